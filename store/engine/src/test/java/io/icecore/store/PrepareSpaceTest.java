package io.icecore.store;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.FileBlockDevice;
import io.icecore.store.format.Checksum;
import io.icecore.store.space.BlockRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the device is asked to prepare: the free segments that small commits fill next, and nothing that is in use. */
class PrepareSpaceTest {
    private static final int SEGMENT_LENGTH = 4 << 20;

    @TempDir
    Path directory;

    private final UnsafeBuffer data = new UnsafeBuffer(new byte[4096]);
    private final UnsafeBuffer checksum = new UnsafeBuffer(new byte[4]);

    @Test
    void smallCommitsGoWhereTheDeviceWasPrepared() {
        try (RecordingDevice device =
                new RecordingDevice(FileBlockDevice.create(directory.resolve("s"), 512L << 20, false))) {
            Store.format(device, "test");
            try (Store store = Store.open(device)) {
                writeAndCommit(store, 1);
                store.prepareSpace();
                assertThat(device.prepared).hasSizeGreaterThan(2);

                final long activeEnd = writeAndCommit(store, 1) / SEGMENT_LENGTH;
                long block;
                do {
                    block = writeAndCommit(store, 200);
                } while (block / SEGMENT_LENGTH == activeEnd);

                assertThat(device.preparedAt(block)).isTrue();
                store.prepareSpace();
                assertThat(device.writtenTo).noneMatch(device::preparedLater);
            }
        }
    }

    /** A commit of one block of data writes several nodes, and those of the commit before are free again. */
    @Test
    void smallCommitsGoToTheSameSegmentsAgain() {
        final Set<Long> segments = new HashSet<>();
        try (RecordingDevice device =
                new RecordingDevice(FileBlockDevice.create(directory.resolve("s"), 512L << 20, false))) {
            Store.format(device, "test");
            try (Store store = Store.open(device)) {
                long previous = -1;
                for (int i = 0; i < 6 * 1024; i++) {
                    final long position = writeAndCommit(store, 1);
                    segments.add(position / SEGMENT_LENGTH);
                    if (i % 4 != 0) { // Three quarters are overwritten.
                        store.lock();
                        store.free(previous, 1);
                        store.unlock();
                    }
                    previous = position / 4096;
                }
            }
        }
        assertThat(segments).as("of 6,144 blocks written 1,536 stay").hasSizeBetween(2, 4);
    }

    @Test
    void nothingIsPreparedForLargeCommits() {
        try (RecordingDevice device =
                new RecordingDevice(FileBlockDevice.create(directory.resolve("s"), 512L << 20, false))) {
            Store.format(device, "test");
            try (Store store = Store.open(device)) {
                writeAndCommit(store, 2000);
                store.prepareSpace();
                assertThat(device.prepared).isEmpty();
            }
        }
    }

    /** Position of the last block written. */
    private long writeAndCommit(final Store store, final int count) {
        long block = 0;
        for (int i = 0; i < count; i++) {
            store.lock();
            block = BlockRun.block(store.allocate(1));
            store.unlock();
            data.putLong(0, block);
            store.write(block, data, 0, 1);
            checksum.putInt(0, Checksum.of(data, 0, 4096), LITTLE_ENDIAN);
            store.lock();
            store.settle(block, 1, checksum, 0);
            store.unlock();
        }
        store.commit();
        return block * 4096;
    }

    /** Notes what is prepared, and what had been written at that time. */
    private static final class RecordingDevice implements BlockDevice {
        private record Range(long position, long length, int writesBefore) {
            boolean holds(final long at) {
                return at >= position && at < position + length;
            }
        }

        private final BlockDevice device;
        private final List<Range> prepared = new ArrayList<>();
        private final List<Long> writtenTo = new ArrayList<>();

        RecordingDevice(final BlockDevice device) {
            this.device = device;
        }

        boolean preparedAt(final long position) {
            return prepared.stream().anyMatch(range -> range.holds(position));
        }

        /** It was written first and its range prepared afterwards. */
        boolean preparedLater(final long position) {
            final int ordinal = writtenTo.indexOf(position);
            return prepared.stream().anyMatch(range -> range.holds(position) && ordinal < range.writesBefore);
        }

        @Override
        public void prepare(final long position, final long length) {
            prepared.add(new Range(position, length, writtenTo.size()));
            device.prepare(position, length);
        }

        @Override
        public void write(final long position, final DirectBuffer source, final int index, final int length) {
            for (int at = 0; at < length; at += 4096) {
                writtenTo.add(position + at);
            }
            device.write(position, source, index, length);
        }

        @Override
        public String name() {
            return device.name();
        }

        @Override
        public long length() {
            return device.length();
        }

        @Override
        public boolean readOnly() {
            return device.readOnly();
        }

        @Override
        public void read(final long position, final MutableDirectBuffer target, final int index, final int length) {
            device.read(position, target, index, length);
        }

        @Override
        public void readMedium(
                final long position, final MutableDirectBuffer target, final int index, final int length) {
            device.readMedium(position, target, index, length);
        }

        @Override
        public void flush() {
            device.flush();
        }

        @Override
        public void discard(final long position, final long length) {
            device.discard(position, length);
        }

        @Override
        public void grow(final long length) {
            device.grow(length);
        }

        @Override
        public void close() {
            device.close();
        }
    }
}
