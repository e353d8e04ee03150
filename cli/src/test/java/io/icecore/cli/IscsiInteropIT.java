package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icecore.cli.tour.ExternalTool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real initiators, libiscsi's tools and QEMU, at the real daemon. */
@Timeout(120)
class IscsiInteropIT {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 64 * MIB;
    private static final String INITIATOR = "iqn.2026-11.test:me";

    @TempDir
    private Path directory;

    private ServedStore served;

    @BeforeEach
    void createStore() {
        served = new ServedStore(directory);
        served.run("volume create vm1 --size 64M");
    }

    @AfterEach
    void stopDaemon() throws Exception {
        served.close();
    }

    private static ExternalTool.Result run(final String tool, final String... arguments) throws Exception {
        return ExternalTool.require(tool).run(arguments);
    }

    private static String runWell(final String tool, final String... arguments) throws Exception {
        final ExternalTool.Result result = run(tool, arguments);
        assertThat(result.exitCode())
                .as(tool + " " + String.join(" ", arguments) + ": " + result.output())
                .isZero();
        return result.output();
    }

    private static String qemuIo(final String uri, final String... commands) throws Exception {
        final String[] arguments = new String[3 + 2 * commands.length];
        arguments[0] = "-f";
        arguments[1] = "raw";
        for (int i = 0; i < commands.length; i++) {
            arguments[2 + 2 * i] = "-c";
            arguments[3 + 2 * i] = commands[i];
        }
        arguments[arguments.length - 1] = uri;
        return runWell("qemu-io", arguments);
    }

    // ---- discovery and identity

    @Test
    void listsHeadsAndTheNewestSnapshotsAndServesTheOthersToo() throws Exception {
        served.start("--iscsi-snapshots", "1");
        served.run("snapshot create vm1 --name monday");
        served.run("snapshot create vm1 --name tuesday");

        assertThat(runWell("iscsi-ls", "-s", "iscsi://" + served.portal()))
                .contains("Target:" + ServedStore.target("vm1") + ' ')
                .contains("Target:" + ServedStore.target("vm1@tuesday") + ' ')
                .doesNotContain(ServedStore.target("vm1@monday"))
                .contains("DIRECT_ACCESS");
        assertThat(runWell("iscsi-inq", served.iscsi("vm1@monday")))
                .contains("Vendor:ICECORE")
                .contains("Product:SNAPSHOT");
        assertThat(run("iscsi-inq", served.iscsi("vm2")).exitCode()).isNotZero();
    }

    @Test
    void tellsItsSizeAndThatItIsThin() throws Exception {
        served.start();

        assertThat(runWell("iscsi-readcapacity16", served.iscsi("vm1")))
                .contains("LOGICAL BLOCK LENGTH IN BYTES:512")
                .contains("Total size:" + SIZE)
                .contains("LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT:3")
                .contains("LBPME:1 LBPRZ:1");
        final String pages = runWell("iscsi-inq", "-e", "1", "-c", "0", served.iscsi("vm1"));
        for (final String page : List.of("0x00", "0x80", "0x83", "0x86", "0xb0", "0xb1", "0xb2")) {
            assertThat(pages).contains("Page:" + page);
            if (!page.equals("0x86")) { // The tool cannot read that one.
                runWell("iscsi-inq", "-e", "1", "-c", Integer.decode(page).toString(), served.iscsi("vm1"));
            }
        }
        assertThat(runWell("iscsi-inq", "-e", "1", "-c", "178", served.iscsi("vm1")))
                .contains("lbpu:1")
                .contains("provisioning type:2");
        served.run("volume resize vm1 --size 96M");
        assertThat(runWell("iscsi-readcapacity16", served.iscsi("vm1"))).contains("Total size:" + 96 * MIB);
    }

    @Test
    void servesLargeLogicalBlocksWhenAskedTo() throws Exception {
        served.start("--iscsi-block-size", "4096");

        assertThat(runWell("iscsi-readcapacity16", served.iscsi("vm1")))
                .contains("LOGICAL BLOCK LENGTH IN BYTES:4096")
                .contains("Total size:" + SIZE);
        qemuIo(served.iscsi("vm1"), "write -P 5 1M 64k", "read -P 5 1M 64k");
    }

    // ---- access

    private Path secrets(final String content) throws Exception {
        final Path file = Files.writeString(directory.resolve("secrets"), content);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void admitsThoseWhoKnowTheSecretAndTellsItToNobody() throws Exception {
        served.start("--iscsi-secrets", secrets("initiator me secret-of-mine\n").toString());
        final String url = served.iscsi("vm1");
        final String right = url.replace("iscsi://", "iscsi://me%secret-of-mine@");

        assertThat(runWell("iscsi-inq", right)).contains("Vendor:ICECORE");
        assertThat(runWell("iscsi-ls", "iscsi://me%secret-of-mine@" + served.portal()))
                .contains(ServedStore.target("vm1"));
        assertThat(run("iscsi-inq", url).exitCode()).as("no secret").isNotZero();
        assertThat(run("iscsi-inq", right.replace("mine", "minE")).exitCode())
                .as("wrong secret")
                .isNotZero();
        assertThat(run("iscsi-inq", right.replace("//me", "//you")).exitCode())
                .as("wrong name")
                .isNotZero();
        assertThat(run("iscsi-ls", "iscsi://" + served.portal()).output())
                .as("discovery without a secret")
                .doesNotContain("Target:");
        assertThat(served.log()).contains("login refused").doesNotContain("secret-of-mine");
        assertThat(served.commandLine()).doesNotContain("secret-of-mine");
        assertThat(served.run("status") + served.run("status --json")).doesNotContain("secret-of-mine");
    }

    @Test
    void provesItselfToThoseWhoAsk() throws Exception {
        served.start(
                "--iscsi-secrets",
                secrets("initiator me secret-of-mine\ntarget ice secret-of-ice\n")
                        .toString());
        final String url = served.iscsi("vm1").replace("iscsi://", "iscsi://me%secret-of-mine@");

        assertThat(runWell("iscsi-inq", url + "?target_user=ice&target_password=secret-of-ice"))
                .contains("Vendor:ICECORE");
        assertThat(run("iscsi-inq", url + "?target_user=ice&target_password=secret-of-foe")
                        .exitCode())
                .as("the initiator finds that the target is another")
                .isNotZero();
        assertThat(runWell("iscsi-inq", url)).as("one-way").contains("Vendor:ICECORE");
        assertThat(served.log()).doesNotContain("secret-of-ice");
    }

    @Test
    void admitsOnlyInitiatorsOfTheList() throws Exception {
        served.start("--iscsi-initiators", "iqn.2026-11.test:other," + INITIATOR);

        assertThat(runWell("iscsi-inq", "-i", INITIATOR, served.iscsi("vm1"))).contains("Vendor:ICECORE");
        assertThat(run("iscsi-inq", "-i", INITIATOR + "2", served.iscsi("vm1")).exitCode())
                .isNotZero();
    }

    // ---- data

    private byte[] image(final int length) {
        final byte[] content = new byte[length];
        new Random(length).nextBytes(content);
        return content;
    }

    @Test
    void carriesAnImageInAndOut() throws Exception {
        served.start();
        final byte[] content = image(8 * MIB);
        final Path image = Files.write(directory.resolve("image"), content);

        runWell("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image.toString(), served.iscsi("vm1"));

        final Path back = directory.resolve("back");
        runWell("qemu-img", "convert", "-f", "raw", "-O", "raw", served.iscsi("vm1"), back.toString());
        assertThat(Files.mismatch(image, back)).as("the image is shorter").isEqualTo(content.length);
        assertThat(Files.size(back)).isEqualTo(SIZE);
        assertThat(runWell("qemu-img", "map", "--output=json", "-f", "raw", served.iscsi("vm1")))
                .as("what was not written is a hole")
                .containsPattern("\"start\": " + content.length + ", \"length\": " + (SIZE - content.length)
                        + ".*\"zero\": true, \"data\": false");
    }

    @Test
    void writesDiscardsAndZeroes() throws Exception {
        served.start();
        qemuIo(
                served.iscsi("vm1"),
                "write -P 5 1M 2M",
                "discard 2M 1M",
                "read -P 0 2M 1M",
                "write -z 1M 64k",
                "read -P 0 1M 64k",
                "read -P 5 1100k 4k",
                "write -P 6 1536 512",
                "read -P 6 1536 512",
                "flush");
    }

    @Test
    void keepsASnapshotAsItWas() throws Exception {
        served.start();
        qemuIo(served.iscsi("vm1"), "write -P 1 0 64k", "flush");
        served.run("snapshot create vm1 --name s");
        qemuIo(served.iscsi("vm1"), "write -P 2 0 64k");

        runWell("qemu-io", "-r", "-f", "raw", "-c", "read -P 1 0 64k", served.iscsi("vm1@s"));
        assertThat(run("qemu-io", "-f", "raw", "-c", "write 0 64k", served.iscsi("vm1@s"))
                        .output())
                .doesNotContain("wrote 65536");
    }

    @Test
    void showsWritesAndFlushesOfOneProtocolToTheOther() throws Exception {
        served.start();
        qemuIo(served.nbd("vm1"), "write -P 7 0 1M");
        qemuIo(served.iscsi("vm1"), "read -P 7 0 1M", "write -P 8 4608 512");
        qemuIo(served.nbd("vm1"), "read -P 7 4096 512", "read -P 8 4608 512", "write -P 9 2M 1M");
        qemuIo(served.iscsi("vm1"), "read -P 9 2M 1M", "write -P 10 4M 4k", "flush"); // Covers the writes of both.

        served.kill();
        served.start();

        qemuIo(
                served.nbd("vm1"),
                "read -P 7 0 4608",
                "read -P 8 4608 512",
                "read -P 9 2M 1M",
                "read -P 10 4M 4k",
                "write -P 11 0 4k",
                "flush");
        qemuIo(served.iscsi("vm1"), "read -P 11 0 4k", "read -P 8 4608 512", "read -P 10 4M 4k");
    }

    // ---- the operator's view

    @Test
    void showsItsSessionsAndSendsThemOffWhenTheirVolumeGoes() throws Exception {
        served.start();
        served.run("snapshot create vm1 --name s");
        final Path out = directory.resolve("perf");
        final Process busy = ExternalTool.require("iscsi-perf")
                .start(out, "-i", INITIATOR, "-t", "60", "-m", "4", "-b", "8", served.iscsi("vm1"));
        try {
            final JsonNode session = awaitSession();
            assertThat(session.get("protocol").asText()).isEqualTo("iscsi");
            assertThat(session.get("initiator").asText()).isEqualTo(INITIATOR);
            assertThat(session.get("export").asText()).isEqualTo("vm1");
            assertThat(served.run("status")).contains(INITIATOR).contains(ServedStore.target("vm1"));
            assertThat(served.tryRun("volume delete vm1").code()).isEqualTo(ExitCode.BUSY);

            served.run("volume delete vm1 --disconnect");

            assertThat(served.run("volume list")).doesNotContain("vm1");
            assertThat(run("iscsi-inq", served.iscsi("vm1")).exitCode()).isNotZero();
        } finally {
            busy.destroyForcibly().waitFor();
        }
        served.stop();
        assertThat(served.log()).contains("stopped").doesNotContain("ERROR");
    }

    private JsonNode awaitSession() throws Exception {
        for (int i = 0; i < 200; i++) {
            for (final JsonNode client :
                    new ObjectMapper().readTree(served.run("status --json")).get("clients")) {
                if (client.get("requests").asLong() > 100) {
                    return client;
                }
            }
            Thread.sleep(50);
        }
        throw new AssertionError("no session: " + served.log());
    }

    @Test
    void sendsClientsOfBothProtocolsOffForARollback() throws Exception {
        served.start();
        qemuIo(served.iscsi("vm1"), "write -P 1 0 64k", "flush");
        served.run("snapshot create vm1 --name s");
        qemuIo(served.iscsi("vm1"), "write -P 2 0 64k", "flush");
        final String serial = runWell("iscsi-inq", "-e", "1", "-c", "128", served.iscsi("vm1"));
        final Process overNbd = ExternalTool.require("qemu-io")
                .start(directory.resolve("io"), "-f", "raw", "-c", "sleep 30000", served.nbd("vm1"));
        try {
            awaitBusy();
            served.run("rollback vm1@s --disconnect");
        } finally {
            overNbd.destroyForcibly().waitFor();
        }
        qemuIo(served.iscsi("vm1"), "read -P 1 0 64k");
        assertThat(runWell("iscsi-inq", "-e", "1", "-c", "128", served.iscsi("vm1")))
                .as("to an initiator it is the disk that it was")
                .isEqualTo(serial);
    }

    private void awaitBusy() throws Exception {
        for (int i = 0; i < 200 && !served.run("status --json").contains("\"export\":\"vm1\""); i++) {
            Thread.sleep(50);
        }
    }
}
