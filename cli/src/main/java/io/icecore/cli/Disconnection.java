package io.icecore.cli;

import io.icecore.cli.daemon.Withdrawal;
import java.util.function.Predicate;
import java.util.function.Supplier;
import picocli.CommandLine.Option;

/** The option of commands that need a volume or snapshot for themselves. */
final class Disconnection {
    @Option(
            names = "--disconnect",
            description = "Send its clients off first, instead of failing because it is in use: iSCSI initiators are "
                    + "asked to log out and dropped after 5 s; NBD clients are disconnected.")
    private boolean disconnect;

    /**
     * Makes a change that needs exports for itself.
     *
     * @param exports tells whether an export, by its name, is meant
     */
    <T> T around(final Session session, final Predicate<String> exports, final Supplier<T> change) {
        final Withdrawal withdrawal = disconnect ? session.withdraw(exports) : Withdrawal.NONE;
        try {
            return change.get();
        } finally {
            withdrawal.close();
        }
    }
}
