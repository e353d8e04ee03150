package io.icecore.store.device;

/** All past the page cache. */
class DirectFileBlockDeviceContractTest extends FileBlockDeviceContractTest {
    @Override
    IoMode mode() {
        return IoMode.DIRECT;
    }
}
