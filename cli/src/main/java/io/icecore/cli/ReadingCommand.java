package io.icecore.cli;

import io.icecore.store.Store;
import io.icecore.volume.Catalog;
import java.io.IOException;
import java.io.InputStream;
import picocli.CommandLine.Command;

/**
 * Between programs, see {@link DaemonReading}: as long as the client is there, the daemon reuses nothing that the newest
 * commit refers to. Each byte of input is answered by a byte that says whether that still holds.
 */
@Command(description = "For other commands: lets them read the newest commit undisturbed.")
final class ReadingCommand extends StoreCommand {
    static final int UNDISTURBED = 'y';
    static final int DISTURBED = 'n';

    @Override
    Access access() {
        return Access.DAEMON;
    }

    @Override
    int run(final Catalog catalog) throws IOException {
        final InputStream in = console().in();
        try (Store.Reading reading = catalog.store().beginReading()) {
            do {
                console().outBytes().write(reading.undisturbed() ? UNDISTURBED : DISTURBED);
            } while (in.read() >= 0);
        }
        return ExitCode.DONE;
    }
}
