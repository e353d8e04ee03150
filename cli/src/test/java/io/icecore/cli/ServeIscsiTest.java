package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code serve} refuses of its options for iSCSI, before it opens the store. */
class ServeIscsiTest {
    @TempDir
    private Path directory;

    private CommandRun run(final String line) {
        return CommandRun.in(directory, null, List.of(line.split(" ")), new byte[0]);
    }

    @ParameterizedTest
    @CsvSource({
        "--iscsi unix:x, expected: host:port",
        "--iscsi localhost, expected: host:port",
        "--iscsi --iscsi-block-size 1024, blockLength: 1024 (expected: 512 or 4096)",
        "--iscsi --iscsi-snapshots -1, discoveredSnapshotsMax: -1",
        "--iscsi --iscsi-secrets secrets, expected: mode 0600",
    })
    void refusesOptionsThatMeanNothing(final String options, final String problem) throws IOException {
        final Path secrets = Files.writeString(directory.resolve("secrets"), "initiator me a-secret-of-mine\n");
        Files.setPosixFilePermissions(secrets, PosixFilePermissions.fromString("rw-r--r--"));
        run("store create ice.store --size 64M");

        final CommandRun run = run("serve --store ice.store " + options);

        assertThat(run.err()).contains(problem).doesNotContain("a-secret-of-mine");
        assertThat(run.code()).isEqualTo(ExitCode.USAGE);
        assertThat(directory.resolve("ice.store.sock")).doesNotExist();
    }

    @Test
    void refusesASecretsFileThatIsNotThere() {
        run("store create ice.store --size 64M");
        final CommandRun run = run("serve --store ice.store --iscsi --iscsi-secrets nowhere");

        assertThat(run.err()).contains("nowhere");
        assertThat(run.code()).isEqualTo(ExitCode.NO_SUCH);
    }

    @Test
    void showsExamplesOfItsOptions() {
        assertThat(run("serve --help").out())
                .contains("--iscsi 0.0.0.0:3260")
                .contains("--iscsi-secrets")
                .contains("--iscsi-initiators")
                .contains("--iscsi-snapshots")
                .contains("--iscsi-block-size");
    }
}
