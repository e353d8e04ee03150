package io.icecore.volume.nbd;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.icecore.volume.IoRequest;
import io.icecore.volume.VolumeWorkers;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.ReadableByteChannel;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.agrona.concurrent.SystemNanoClock;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a client may send, from its first byte on: handshake, then requests. The server answers, or drops the client, and
 * has nothing open in the end. Plain tests run the seeds; docs/testing.md tells how to fuzz.
 */
class NbdProtocolFuzzTest {
    private static final int SIZE = 1 << 17;

    /** Longer than what is read at once. Nobody can write there, so that one is enough for all connections. */
    private static final String LONG = "long@1";

    private static final MemoryExport LONG_EXPORT = new MemoryExportTable().add(LONG, 3 << 20);

    static Stream<Arguments> seeds() {
        return IntStream.range(0, 80).mapToObj(seed -> Arguments.of((Object) conversation(new Random(seed))));
    }

    /** Flags, some options, the export, some requests; now and then a byte is wrong. */
    private static byte[] conversation(final Random random) {
        final ByteBuffer bytes = ByteBuffer.allocate(64 << 10);
        final String name = random.nextInt(4) == 0 ? LONG : "vol";
        final int lengthMax = name.equals(LONG) ? 3 << 20 : 70_000;
        bytes.putInt(3);
        if (random.nextBoolean()) {
            option(bytes, 8, new byte[0]);
        }
        if (random.nextInt(3) == 0) {
            option(bytes, 10, RawNbdClient.metaContextQuery(name, "base:allocation"));
        }
        option(bytes, random.nextBoolean() ? 7 : 6, RawNbdClient.go(name, 3));
        option(bytes, 1, name.getBytes(US_ASCII));
        final int requests = bytes.position();
        for (int i = random.nextInt(6); i > 0; i--) {
            final int type = List.of(0, 1, 3, 4, 5, 6, 7).get(random.nextInt(7));
            final byte[] payload = new byte[type == Nbd.CMD_WRITE ? random.nextInt(5000) : 0];
            bytes.put(RawNbdClient.request(
                            type,
                            random.nextInt(4) == 0 ? 1 << random.nextInt(5) : 0,
                            i,
                            random.nextInt(name.equals(LONG) && random.nextBoolean() ? 1 : SIZE),
                            type == Nbd.CMD_WRITE ? payload.length : random.nextInt(lengthMax),
                            payload)
                    .flip());
        }
        for (int i = random.nextInt(4); i > 1; i--) {
            final int from = random.nextBoolean() ? 0 : requests;
            if (from < bytes.position()) {
                bytes.put(from + random.nextInt(bytes.position() - from), (byte) random.nextInt());
            }
        }
        final byte[] conversation = new byte[bytes.flip().remaining()];
        bytes.get(conversation);
        return conversation;
    }

    private static void option(final ByteBuffer bytes, final int option, final byte[] data) {
        bytes.putLong(Nbd.IHAVEOPT).putInt(option).putInt(data.length).put(data);
    }

    /** All of them are busy and others wait, so that each connection does its work itself: nothing is handed to a thread. */
    private static final VolumeWorkers WORKERS = busyWorkers();

    private static final NbdBufferPool POOL = new NbdBufferPool(64 << 20);

    private static VolumeWorkers busyWorkers() {
        final VolumeWorkers workers = new VolumeWorkers(1, 1);
        for (int i = 0; i < 2; i++) { // One for the thread, one for the queue.
            workers.submit(new IoRequest() {
                @Override
                protected void completed(final Throwable failureOrNull) {
                    while (true) {
                        LockSupport.park();
                    }
                }
            });
        }
        return workers;
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void connection(final byte[] sent) throws IOException {
        final MemoryExportTable table = new MemoryExportTable();
        final MemoryExport volume = table.add("vol", SIZE);
        table.add(LONG_EXPORT);
        final Source source = new Source(ByteBuffer.wrap(sent));
        try (NbdInput input = new NbdInput(source, source);
                NbdOptionReplies replies = new NbdOptionReplies(new Sink());
                NbdSession session = new NbdHandshake(table, 4, input, replies).run()) {
            if (session != null) {
                transmit(session, input);
            }
        } catch (final NbdProtocolException | EOFException ex) {
            assertThat(ex.getMessage()).isNotEmpty();
        }
        assertThat(volume.opens).hasValue(0);
        assertThat(LONG_EXPORT.opens).hasValue(0);
    }

    private static void transmit(final NbdSession session, final NbdInput input) throws IOException {
        final NbdTransmission transmission = new NbdTransmission(
                session, WORKERS, input, new Sink(), POOL.share(32 << 20), 16, SystemNanoClock.INSTANCE, "fuzz");
        try {
            transmission.run();
        } finally {
            transmission.finish();
        }
    }

    private record Source(ByteBuffer bytes) implements ReadableByteChannel {
        @Override
        public int read(final ByteBuffer target) {
            if (!bytes.hasRemaining()) {
                return -1;
            }
            final int length = Math.min(bytes.remaining(), target.remaining());
            target.put(bytes.slice(bytes.position(), length));
            bytes.position(bytes.position() + length);
            return length;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    private static final class Sink implements GatheringByteChannel {
        @Override
        public int write(final ByteBuffer source) {
            final int length = source.remaining();
            source.position(source.limit());
            return length;
        }

        @Override
        public long write(final ByteBuffer[] sources, final int offset, final int length) {
            long sum = 0;
            for (int i = offset; i < offset + length; i++) {
                sum += write(sources[i]);
            }
            return sum;
        }

        @Override
        public long write(final ByteBuffer[] sources) {
            return write(sources, 0, sources.length);
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
