package io.icecore.store.device;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** All through the page cache. */
class BufferedFileBlockDeviceContractTest extends BlockDeviceContract {
    @TempDir
    private Path directory;

    @Override
    protected BlockDevice create(final int length) {
        FileBlockDevice.create(path(), length, false).close();
        return FileBlockDevice.open(path(), IoMode.BUFFERED);
    }

    @Override
    protected BlockDevice openReadOnly() {
        return FileBlockDevice.openReadOnly(path());
    }

    private Path path() {
        return directory.resolve("store");
    }
}
