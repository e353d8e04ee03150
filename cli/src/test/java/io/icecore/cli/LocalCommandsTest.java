package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The commands without a daemon: each opens the store for itself. */
class LocalCommandsTest extends CommandsContract {
    @Override
    void storeCreated() {
        // Nobody holds it.
    }

    @Test
    void saysThatThereIsNoDaemon() {
        final CommandRun run = run("status");

        assertThat(run.code()).isEqualTo(ExitCode.NO_SUCH);
        assertThat(run.err()).startsWith("icecore: no daemon: " + store() + "\nhint: ");
    }
}
