package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.icecore.store.Store;
import io.icecore.store.device.FileBlockDevice;
import io.icecore.volume.Catalog;
import io.icecore.volume.VolumeWorkers;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What requests allocate on the server's side once they have gone on for a while, by the threads' own counts. These are
 * exact, but a thread that queues for a lock allocates a place in the queue, and code that has not been compiled yet what the
 * compiler would leave out: so the least of several rounds counts.
 */
@Timeout(120)
class RequestAllocationTest {
    private static final int CHUNK = 4096;
    private static final int CHUNKS = 4096;
    private static final int REQUESTS = 4096;
    private static final int FLUSHES = 256;
    private static final int ROUNDS_MAX = 40;

    /** Bytes a request. There is always something: a new segment now and then, a thread that had to wait for a lock. */
    private static final double NOTHING = 4;

    private static final double QUEUE_PLACES = 160;
    private static final double NODES = 120;
    private static final double COMMIT = 8192;

    /** Numbers of branches beyond those for which Java has objects ready. */
    private static final int OTHER_VOLUMES = 130;

    @TempDir
    private Path directory;

    private final VolumeWorkers workers = new VolumeWorkers(4, 64);
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Random random = new Random(7);
    private Catalog catalog;
    private NbdServer server;
    private RawNbdClient client;

    @BeforeEach
    void serveAVolume() throws IOException {
        final FileBlockDevice device = FileBlockDevice.create(directory.resolve("store"), 512L << 20, false);
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        for (int i = 0; i < OTHER_VOLUMES; i++) {
            catalog.createVolume("other" + i, CHUNK);
        }
        catalog.createVolume("vm", (long) CHUNKS * CHUNK);
        server = new NbdServer(catalog.exports(), workers, NbdServerOptions.DEFAULT);
        client = RawNbdClient.connect(server.listen(UnixDomainSocketAddress.of(directory.resolve("s"))), "vm", false);
        final Pipeline fill = new Pipeline(Nbd.CMD_WRITE, CHUNK, 32);
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            fill.send(chunk);
        }
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        server.close();
        workers.close();
        catalog.close();
    }

    @Test
    void readsOneByOneAllocateNothing() throws IOException {
        assertThat(least(new Pipeline(Nbd.CMD_READ, CHUNK, 1), NOTHING)).isLessThan(NOTHING);
    }

    @Test
    void readsSentTogetherAllocateNothing() throws IOException {
        assertThat(least(new Pipeline(Nbd.CMD_READ, CHUNK, 32), NOTHING)).isLessThan(NOTHING);
    }

    /** Threads that wait for work have a place in a queue for it. */
    @Test
    void longReadsThatWorkersCarryAllocateTheirPlacesInQueues() throws IOException {
        assertThat(least(new Pipeline(Nbd.CMD_READ, 32 * CHUNK, 8), QUEUE_PLACES))
                .isLessThan(QUEUE_PLACES);
    }

    @Test
    void longWritesAllocateTheirPlacesInQueues() throws IOException {
        assertThat(least(new Pipeline(Nbd.CMD_WRITE, 32 * CHUNK, 8), QUEUE_PLACES))
                .isLessThan(QUEUE_PLACES);
    }

    @Test
    void overwritesOneByOneAllocateNothing() throws IOException {
        assertThat(least(new Pipeline(Nbd.CMD_WRITE, CHUNK, 1), NOTHING)).isLessThan(NOTHING);
    }

    @Test
    void overwritesSentTogetherAllocateNothing() throws IOException {
        assertThat(least(new Pipeline(Nbd.CMD_WRITE, CHUNK, 32), NOTHING)).isLessThan(NOTHING);
    }

    /** What a snapshot sees goes on as an entry in a leaf of the history. */
    @Test
    void overwritesOfWhatASnapshotSeesAllocateTheNodesOfTheHistory() throws IOException {
        final Pipeline writes = new Pipeline(Nbd.CMD_WRITE, CHUNK, 32);
        writes.snapshots = true;
        assertThat(least(writes, NODES)).isLessThan(NODES);
    }

    @Test
    void aFlushAllocatesWhatDescribesItsCommit() throws IOException {
        final Pipeline writes = new Pipeline(Nbd.CMD_WRITE, CHUNK, 1);
        writes.flushed = true;
        assertThat(least(writes, COMMIT)).isLessThan(COMMIT);
    }

    /** Bytes a request, of the round that had least, or of the first that had less than is allowed. */
    private double least(final Pipeline requests, final double allowed) throws IOException {
        double least = Double.MAX_VALUE;
        for (int round = 0; round < ROUNDS_MAX && least >= allowed; round++) {
            if (requests.snapshots) {
                catalog.createSnapshots(List.of("vm"), "s" + round, Map.of());
            }
            final int count = requests.flushed ? FLUSHES : REQUESTS * CHUNK / requests.length;
            final long before = allocatedByOthers();
            for (int i = 0; i < count; i++) {
                requests.send(random.nextInt(CHUNKS));
            }
            requests.end();
            least = Math.min(least, (allocatedByOthers() - before) / (double) count);
        }
        return least;
    }

    private long allocatedByOthers() {
        final long own = Thread.currentThread().getId();
        final long[] others =
                Arrays.stream(threads.getAllThreadIds()).filter(id -> id != own).toArray();
        return Arrays.stream(threads.getThreadAllocatedBytes(others))
                .filter(bytes -> bytes > 0)
                .sum();
    }

    /** Sends so many requests at once and takes all replies; allocates nothing. */
    private final class Pipeline {
        private final int type;
        private final int length;
        private final int depth;
        private final ByteBuffer out;
        private final ByteBuffer in;
        private boolean flushed;
        private boolean snapshots;
        private int gathered;

        Pipeline(final int type, final int length, final int depth) {
            this.type = type;
            this.length = length;
            this.depth = depth;
            out = ByteBuffer.allocateDirect(depth * (28 + (type == Nbd.CMD_WRITE ? length : 0)) + 28);
            in = ByteBuffer.allocateDirect(depth * (16 + (type == Nbd.CMD_READ ? length : 0)) + 16);
        }

        void send(final int chunk) throws IOException {
            add(type, (long) chunk * CHUNK / length * length, length);
            if (type == Nbd.CMD_WRITE) {
                out.putLong(out.position(), chunk).position(out.position() + length);
            }
            if (++gathered == depth) {
                end();
            }
            if (flushed) {
                add(Nbd.CMD_FLUSH, 0, 0);
                exchange(16);
            }
        }

        void end() throws IOException {
            if (gathered > 0) {
                exchange(gathered * (16 + (type == Nbd.CMD_READ ? length : 0)));
                gathered = 0;
            }
        }

        private void add(final int command, final long offset, final int bytes) {
            out.putInt(Nbd.REQUEST_MAGIC)
                    .putShort((short) 0)
                    .putShort((short) command)
                    .putLong(1);
            out.putLong(offset).putInt(bytes);
        }

        private void exchange(final int replyBytes) throws IOException {
            out.flip();
            while (out.hasRemaining()) {
                client.channel().write(out);
            }
            out.clear();
            in.clear().limit(replyBytes);
            while (in.hasRemaining()) {
                if (client.channel().read(in) < 0) {
                    throw new IOException("server left");
                }
            }
        }
    }
}
