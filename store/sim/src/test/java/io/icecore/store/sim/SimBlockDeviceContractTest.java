package io.icecore.store.sim;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.BlockDeviceContract;

class SimBlockDeviceContractTest extends BlockDeviceContract {
    private SimBlockDevice device;

    @Override
    protected BlockDevice create(final int length) {
        device = new SimBlockDevice(length);
        return device;
    }

    @Override
    protected BlockDevice openReadOnly() {
        return device.openReadOnly();
    }
}
