package io.icecore.store.device;

/** All through the page cache. */
class BufferedFileBlockDeviceContractTest extends FileBlockDeviceContractTest {
    @Override
    IoMode mode() {
        return IoMode.BUFFERED;
    }
}
