package io.icecore.cli.daemon;

import io.icecore.store.device.IoMode;
import io.icecore.volume.iscsi.IscsiOptions;
import java.nio.file.Path;
import java.util.List;

/**
 * What a daemon serves, and where.
 *
 * @param store         file or block device
 * @param io            how the store is read and written
 * @param controlSocket where it takes commands
 * @param nbd           where it offers exports over NBD; at least one
 * @param iscsi         where it offers them over iSCSI; TCP only
 * @param iscsiOptions  how, and to whom
 */
public record DaemonOptions(
        Path store,
        IoMode io,
        Path controlSocket,
        List<ListenAddress> nbd,
        List<ListenAddress> iscsi,
        IscsiOptions iscsiOptions) {
    public DaemonOptions {
        nbd = List.copyOf(nbd);
        iscsi = List.copyOf(iscsi);
        if (nbd.isEmpty()) {
            throw new IllegalArgumentException("nbd: no address (expected: at least one)");
        }
        iscsi.forEach(ListenAddress::tcp);
    }

    /** Over NBD alone. */
    public DaemonOptions(final Path store, final Path controlSocket, final List<ListenAddress> nbd) {
        this(store, IoMode.AUTO, controlSocket, nbd, List.of(), IscsiOptions.DEFAULT);
    }
}
