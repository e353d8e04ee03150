package io.icecore.store.device;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** All past the page cache. */
class DirectFileBlockDeviceContractTest extends BlockDeviceContract {
    @TempDir
    private Path directory;

    @Override
    protected BlockDevice create(final int length) {
        FileBlockDevice.create(path(), length, false).close();
        return FileBlockDevice.open(path(), IoMode.DIRECT);
    }

    @Override
    protected BlockDevice openReadOnly() {
        return FileBlockDevice.openReadOnly(path());
    }

    private Path path() {
        return directory.resolve("store");
    }
}
