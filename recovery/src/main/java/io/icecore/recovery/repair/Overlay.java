package io.icecore.recovery.repair;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import java.util.HashMap;
import java.util.Map;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** A device as it will be when some blocks have been written: to look at the result before it is one. Read-only. */
final class Overlay implements BlockDevice {
    private final BlockDevice below;
    private final Map<Long, DirectBuffer> blocks = new HashMap<>();

    Overlay(final BlockDevice below) {
        this.below = below;
    }

    void put(final long block, final DirectBuffer image) {
        blocks.put(block, image);
    }

    @Override
    public String name() {
        return below.name();
    }

    @Override
    public long length() {
        return below.length();
    }

    @Override
    public boolean readOnly() {
        return true;
    }

    @Override
    public void read(final long position, final MutableDirectBuffer target, final int index, final int length) {
        below.read(position, target, index, length);
        blocks.forEach((block, image) -> {
            final long from = block * BLOCK_LENGTH;
            if (position <= from && from + BLOCK_LENGTH <= position + length) {
                target.putBytes(index + (int) (from - position), image, 0, BLOCK_LENGTH);
            }
        });
    }

    @Override
    public void readMedium(final long position, final MutableDirectBuffer target, final int index, final int length) {
        read(position, target, index, length);
    }

    @Override
    public void write(final long position, final DirectBuffer source, final int index, final int length) {
        throw new StoreException("read-only: " + name());
    }

    @Override
    public void flush() {
        throw new StoreException("read-only: " + name());
    }

    @Override
    public void discard(final long position, final long length) {}

    @Override
    public void grow(final long length) {
        throw new StoreException("read-only: " + name());
    }

    @Override
    public void close() {}
}
