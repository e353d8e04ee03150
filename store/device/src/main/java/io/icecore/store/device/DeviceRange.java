package io.icecore.store.device;

/** Argument checks that every {@link BlockDevice} makes in the same way. */
public final class DeviceRange {
    private DeviceRange() {}

    /**
     * Refuses what does not lie within the device: a write there would enlarge the file below, a read would find nothing.
     *
     * @throws StoreException naming device and range; a range that is not in whole sectors is a bug and an assertion
     */
    public static void check(final String name, final long deviceLength, final long position, final long length) {
        assert position % BlockDevice.SECTOR_LENGTH == 0 && length % BlockDevice.SECTOR_LENGTH == 0
                : "not whole sectors: " + position + "+" + length;
        if (position < 0 || length < 0 || position > deviceLength - length) {
            throw new StoreException("range outside " + name + ": position " + position + ", length " + length
                    + " (expected: within " + deviceLength + " bytes)");
        }
    }
}
