package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.cli.tour.ExternalTool;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A sparse store on a file system that is smaller than it, and becomes full: a tmpfs, made by root. */
@Timeout(180)
class NoRoomBelowIT {
    private static final String NO_SPACE = "write failed: No space left on device";
    private static final String ACKNOWLEDGED = "read -P 1 0 8M";

    @TempDir
    private Path directory;

    private Path small;
    private ServedStore served;

    @BeforeEach
    void mountSmallFileSystem() throws Exception {
        small = Files.createDirectory(directory.resolve("small"));
        final ExternalTool.Result result =
                ExternalTool.require("mount").run("-t", "tmpfs", "-o", "size=48m", "tmpfs", small.toString());
        if (result.exitCode() != 0) {
            small = null;
            final String message = "cannot mount a small file system: a store on a full one was NOT checked: "
                    + result.output().strip();
            assertThat(System.getenv("CI")).as(message).isNotEqualTo("true");
            System.err.println("SKIPPED: " + message);
            Assumptions.abort(message);
        }
        served = new ServedStore(small);
        served.run("volume create vm1 --size 512M");
        served.start();
        assertThat(nbd("write -P 1 0 8M", "flush")).doesNotContain("failed");
        assertThat(nbd("write -P 2 8M 128M")).contains(NO_SPACE);
    }

    @AfterEach
    void unmount() throws Exception {
        if (served != null) {
            served.close();
        }
        if (small != null) {
            ExternalTool.require("umount").runSuccessfully(small.toString());
        }
    }

    private void makeRoom() throws Exception {
        ExternalTool.require("mount").runSuccessfully("-o", "remount,size=512m", small.toString());
    }

    private String nbd(final String... commands) throws Exception {
        return qemuIo(served.nbd("vm1"), commands);
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
        return ExternalTool.require("qemu-io").run(arguments).output();
    }

    @Test
    void writesFailWithNoSpaceAndGoOnWhenThereIsRoom() throws Exception {
        assertThat(qemuIo(served.iscsi("vm1"), "write -P 2 200M 64M")).contains(NO_SPACE);
        assertThat(nbd(ACKNOWLEDGED)).as("reads go on").doesNotContain("failed");
        assertThat(served.run("status")).contains("no room below the store, writes fail until there is");
        assertThat(served.log()).containsOnlyOnce("no room below the store, writes fail until there is");

        makeRoom();

        String answer = NO_SPACE;
        for (int attempt = 0; attempt < 100 && answer.contains("failed"); attempt++) {
            Thread.sleep(100);
            answer = nbd("write -P 3 200M 16M", "flush");
        }
        assertThat(answer).doesNotContain("failed");
        assertThat(served.run("status")).doesNotContain("no room below");
        assertThat(served.log()).contains("there is room below the store again");
        served.stop();
        served.start();
        assertThat(nbd(ACKNOWLEDGED, "read -P 3 200M 16M")).doesNotContain("failed");
        assertThat(served.run("check")).contains("consistent");
    }

    @Test
    void whatWasAcknowledgedIsThereAfterAKillInAFullFileSystem() throws Exception {
        served.kill();
        makeRoom();

        served.start();

        assertThat(nbd(ACKNOWLEDGED)).doesNotContain("failed");
        assertThat(served.run("check")).contains("consistent");
    }

    @Test
    void aStoreIsReadInAFullFileSystem() throws Exception {
        served.kill();
        final Path image = directory.resolve("image");

        served.run("volume export vm1 " + image);

        try (InputStream exported = Files.newInputStream(image)) {
            for (final byte each : exported.readNBytes(8 << 20)) {
                assertThat(each).isEqualTo((byte) 1);
            }
        }
    }
}
