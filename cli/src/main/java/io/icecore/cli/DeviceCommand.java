package io.icecore.cli;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.FileBlockDevice;
import picocli.CommandLine.Option;

/**
 * A subcommand that looks at what is on the device of a store, which may be too damaged to be opened. Reads beside any
 * writer, and so never goes by way of the daemon.
 */
abstract class DeviceCommand extends ConsoleCommand {
    @Option(
            names = {"-s", "--store"},
            paramLabel = "PATH",
            description = "The store: a file or a block device. Default: the variable ICECORE_STORE.")
    private String store;

    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    final boolean json() {
        return json;
    }

    final StoreLocation location() {
        return invocation().session().locate(store);
    }

    /** Does the work. The device is read-only and closed afterwards. */
    abstract int run(BlockDevice device);

    @Override
    public final Integer call() {
        try (BlockDevice device = FileBlockDevice.openReadOnly(location().path())) {
            return run(device);
        }
    }
}
