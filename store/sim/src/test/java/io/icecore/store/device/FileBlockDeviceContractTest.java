package io.icecore.store.device;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class FileBlockDeviceContractTest extends BlockDeviceContract {
    @TempDir
    private Path directory;

    @Override
    protected BlockDevice create(final int length) {
        return FileBlockDevice.create(path(), length, false);
    }

    @Override
    protected BlockDevice openReadOnly() {
        return FileBlockDevice.openReadOnly(path());
    }

    private Path path() {
        return directory.resolve("store");
    }
}
