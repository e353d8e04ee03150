package io.icecore.cli.daemon;

import java.nio.file.Path;
import java.util.List;

/**
 * What a daemon serves, and where.
 *
 * @param store         file or block device
 * @param controlSocket where it takes commands
 * @param nbd           where it offers exports over NBD; at least one
 */
public record DaemonOptions(Path store, Path controlSocket, List<ListenAddress> nbd) {
    public DaemonOptions {
        nbd = List.copyOf(nbd);
        if (nbd.isEmpty()) {
            throw new IllegalArgumentException("nbd: no address (expected: at least one)");
        }
    }
}
