package io.icecore.store.device;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class FileBlockDeviceContractTest extends BlockDeviceContract {
    @TempDir
    private Path directory;

    IoMode mode() {
        return IoMode.AUTO;
    }

    @Override
    protected BlockDevice create(final int length) {
        FileBlockDevice.create(path(), length, false).close();
        return FileBlockDevice.open(path(), mode());
    }

    @Override
    protected BlockDevice openReadOnly() {
        return FileBlockDevice.openReadOnly(path());
    }

    private Path path() {
        return directory.resolve("store");
    }
}
