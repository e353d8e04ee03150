package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.space.StoreFullException;
import io.icecore.volume.VolumeWorkers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests and replies over real sockets, spoken by a client that need not play by the rules. */
@Timeout(60)
class NbdTransmissionTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 64 * MIB;
    private static final int PAYLOAD_MAX = 32 * MIB;

    @TempDir
    private Path directory;

    private final MemoryExportTable table = new MemoryExportTable();
    private final MemoryExport volume = table.add("vol", SIZE);
    private final MemoryExport snapshot = table.add("vol@monday", MIB);
    private final VolumeWorkers workers = new VolumeWorkers(4, 64);
    private final NbdServer server =
            new NbdServer(table, workers, new NbdServerOptions(64, 32, 32 * MIB, 64 * MIB, 4, 30, 2));
    private final List<RawNbdClient> clients = new ArrayList<>();
    private SocketAddress unix;
    private SocketAddress tcp;

    @BeforeEach
    void listen() throws IOException {
        unix = server.listen(UnixDomainSocketAddress.of(directory.resolve("s")));
        tcp = server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void close() throws IOException {
        volume.hook = (method, offset, length) -> {};
        for (final RawNbdClient client : clients) {
            client.close();
        }
        server.close();
        workers.close();
        waitUntil(() -> server.clients().isEmpty()); // On a busy machine one may outlive the patience of close().
        assertThat(volume.opens)
                .as("every export that was opened has been closed")
                .hasValue(0);
        assertThat(directory.resolve("s")).doesNotExist();
    }

    private RawNbdClient structured() throws IOException {
        return connect(unix, "vol", true);
    }

    private RawNbdClient simple() throws IOException {
        return connect(unix, "vol", false);
    }

    private RawNbdClient connect(final SocketAddress address, final String export, final boolean structured)
            throws IOException {
        final RawNbdClient client = RawNbdClient.connect(address, export, structured);
        clients.add(client);
        return client;
    }

    // Data

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void readsWhatWasWrittenOfEveryLength(final boolean overTcp) throws IOException {
        final RawNbdClient client = connect(overTcp ? tcp : unix, "vol", false);
        for (final int length :
                new int[] {1, 511, 4096, 65_536, 65_537, 300_000, MIB, MIB + 1, 5 * MIB + 77, PAYLOAD_MAX}) {
            final byte[] data = noise(length);
            client.write(0, 1, 333, data);
            assertSuccess(client.reply(), 1);
            client.request(Nbd.CMD_READ, 0, 2, 333, length);
            final RawNbdClient.Reply reply = client.reply(length);
            assertSuccess(reply, 2);
            assertThat(Arrays.equals(reply.payload(), data))
                    .as("%d bytes", length)
                    .isTrue();
        }
    }

    @Test
    void carriesOutWritesThatCameTogetherAsOneBatch() throws IOException {
        final RawNbdClient client = simple();
        final int count = 20;
        final List<byte[]> contents = new ArrayList<>();
        final ByteBuffer together = ByteBuffer.allocate(count * 5000);
        for (int i = 0; i < count; i++) {
            contents.add(noise(4096));
            together.put(RawNbdClient.request(Nbd.CMD_WRITE, 0, i, 7L * 4096 * i, 4096, contents.get(i))
                    .flip());
        }
        together.put(
                RawNbdClient.request(Nbd.CMD_FLUSH, 0, count, 0, 0, new byte[0]).flip());
        client.send(together);

        for (int i = 0; i <= count; i++) {
            assertThat(client.reply().error()).isZero();
        }
        assertThat(volume.batchedWrites).hasPositiveValue();
        assertThat(volume.flushes).hasValue(1);
        for (int i = 0; i < count; i++) {
            client.request(Nbd.CMD_READ, 0, 99, 7L * 4096 * i, 4096);
            assertThat(client.reply(4096).payload()).isEqualTo(contents.get(i));
        }
    }

    @Test
    void tellsWhichWriteOfABatchFailed() throws IOException {
        final RawNbdClient client = simple();
        volume.hook = (method, offset, length) -> {
            if (method.equals("write") && offset == 8 * 4096) {
                throw new NoSpaceException("store full");
            }
        };
        final ByteBuffer together = ByteBuffer.allocate(12 * 5000);
        for (int i = 0; i < 12; i++) {
            together.put(RawNbdClient.request(Nbd.CMD_WRITE, 0, i, 4096L * i, 4096, noise(4096))
                    .flip());
        }
        client.send(together);

        final Set<Long> failed = new HashSet<>();
        for (int i = 0; i < 12; i++) {
            final RawNbdClient.Reply reply = client.reply();
            if (reply.error() != 0) {
                assertThat(reply.error()).isEqualTo(NbdError.NO_SPACE.value);
                failed.add(reply.cookie());
            }
        }
        assertThat(failed).containsExactly(8L);
    }

    @Test
    void answersLongReadsInChunksThatCoverTheRangeOnce() throws IOException {
        final RawNbdClient client = structured();
        final byte[] data = noise(5 * MIB + 77);
        client.write(0, 1, 4095, data);
        assertSuccess(client.reply(), 1);

        client.request(Nbd.CMD_READ, 0, 2, 4095, data.length);

        assertThat(Arrays.equals(readChunks(client, 2, 4095, data.length), data))
                .isTrue();
    }

    @Test
    void answersInOneChunkWhenAskedNotToFragment() throws IOException {
        final RawNbdClient client = structured();
        final byte[] data = noise(PAYLOAD_MAX);
        client.write(0, 1, 0, data);
        assertSuccess(client.reply(), 1);

        client.request(Nbd.CMD_READ, Nbd.CMD_FLAG_DF, 2, 0, data.length);

        final RawNbdClient.Reply reply = client.reply();
        assertThat(reply.type()).isEqualTo(Nbd.REPLY_TYPE_OFFSET_DATA);
        assertThat(reply.done()).isTrue();
        assertThat(Arrays.equals(reply.data(), data)).isTrue();
    }

    @Test
    void keepsManyRequestsInFlightApart() throws Exception {
        final RawNbdClient client = structured();
        final int rounds = 400;
        final int slotLength = 60_000;
        final int flushCookie = 10_000;
        final byte[] expected = new byte[rounds * slotLength];
        final Random random = new Random(42);
        final Thread sender = new Thread(() -> {
            try {
                for (int i = 0; i < rounds; i++) {
                    final byte[] data = noise(1 + random.nextInt(slotLength));
                    System.arraycopy(data, 0, expected, i * slotLength, data.length);
                    client.write(i % 7 == 0 ? Nbd.CMD_FLAG_FUA : 0, i, (long) i * slotLength, data);
                    client.request(Nbd.CMD_FLUSH, 0, flushCookie + i, 0, 0);
                }
            } catch (final IOException ex) {
                throw new AssertionError(ex);
            }
        });
        sender.start();
        final Set<Long> cookies = new HashSet<>();
        while (cookies.size() < 2 * rounds) {
            final RawNbdClient.Reply reply = client.reply();
            assertThat(reply.errorValue()).isZero();
            assertThat(cookies.add(reply.cookie()))
                    .as("answered twice: %d", reply.cookie())
                    .isTrue();
        }
        sender.join();

        client.request(Nbd.CMD_READ, 0, 1, 0, expected.length);
        assertThat(Arrays.equals(readChunks(client, 1, 0, expected.length), expected))
                .isTrue();
        assertThat(volume.flushes.get()).as("each one, and some foretold").isBetween(rounds, 2 * rounds);
        assertThat(volume.durableWrites).hasValue((rounds + 6) / 7);
    }

    @Test
    void zeroesTrimsAndReportsWhatIsThere() throws IOException {
        final RawNbdClient client = structured();
        client.write(0, 1, 0, noise(65_536));
        assertSuccess(client.reply(), 1);
        client.request(Nbd.CMD_WRITE_ZEROES, 0, 2, 4096, 8192);
        assertSuccess(client.reply(), 2);
        client.request(Nbd.CMD_WRITE_ZEROES, Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO, 3, 16_384, 4096);
        assertSuccess(client.reply(), 3);
        client.request(Nbd.CMD_TRIM, Nbd.CMD_FLAG_FUA, 4, 30_000, 10_000);
        assertSuccess(client.reply(), 4);
        client.request(Nbd.CMD_CACHE, 0, 5, 0, 4096);
        assertSuccess(client.reply(), 5);

        client.request(Nbd.CMD_BLOCK_STATUS, 0, 6, 1000, 2 * 65_536);

        assertThat(descriptors(client.reply(), 6))
                .containsExactly(3096, 0, 8192, 3, 20_480, 0, 4096, 3, 28_672, 0, 66_536, 3);
        assertThat(volume.durableWrites).hasValue(1);
    }

    @Test
    void reportsOneExtentWhenAskedForOne() throws IOException {
        final RawNbdClient client = structured();
        client.write(0, 1, 8192, noise(4096));
        assertSuccess(client.reply(), 1);

        client.request(Nbd.CMD_BLOCK_STATUS, Nbd.CMD_FLAG_REQ_ONE, 2, 0, 65_536);
        assertThat(descriptors(client.reply(), 2)).containsExactly(8192, 3);
        client.request(Nbd.CMD_BLOCK_STATUS, Nbd.CMD_FLAG_REQ_ONE, 3, 0, 4096);
        assertThat(descriptors(client.reply(), 3)).containsExactly(4096, 3);
    }

    @Test
    void cutsAReportShortRatherThanFillMemory() throws IOException {
        for (int chunk = 0; chunk < SIZE / 4096; chunk += 2) {
            volume.zero(chunk * 4096L, 4096, true, false);
        }
        final RawNbdClient client = structured();
        client.request(Nbd.CMD_BLOCK_STATUS, 0, 1, 0, SIZE);

        final List<Integer> descriptors = descriptors(client.reply(), 1);

        assertThat(descriptors).hasSize(2 * 8192).startsWith(4096, 0, 4096, 3);
    }

    @Test
    void doesNothingForEmptyRanges() throws IOException {
        final RawNbdClient client = structured();
        client.request(Nbd.CMD_READ, 0, 1, 4096, 0);
        final RawNbdClient.Reply read = client.reply();
        assertThat(read.type()).isEqualTo(Nbd.REPLY_TYPE_NONE);
        assertThat(read.done()).isTrue();
        for (final int type : new int[] {Nbd.CMD_WRITE, Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES, Nbd.CMD_CACHE}) {
            client.request(type, 0, 2, SIZE, 0);
            assertSuccess(client.reply(), 2);
        }
        final RawNbdClient plain = simple();
        plain.request(Nbd.CMD_READ, 0, 1, 4096, 0);
        assertSuccess(plain.reply(), 1);
    }

    // Errors

    @Test
    void skipsThePayloadOfAWriteItRefuses() throws IOException {
        for (final RawNbdClient client : List.of(structured(), simple())) {
            client.write(0, 1, SIZE - 100, noise(3 * MIB));
            assertFailure(client.reply(), 1, 28);
            client.write(1 << 14, 2, 0, noise(4096));
            assertFailure(client.reply(), 2, 22);
            client.request(Nbd.CMD_READ, 0, 3, SIZE, 1);
            assertFailure(client.reply(), 3, 22);
            client.request(99, 0, 4, 0, 0);
            assertFailure(client.reply(), 4, 22);
            assertAlive(client);
        }
        assertThat(volume.durableWrites).hasValue(0);
    }

    @Test
    void refusesToChangeASnapshot() throws IOException {
        final RawNbdClient client = connect(unix, "vol@monday", true);
        client.write(0, 1, 0, noise(4096));
        assertFailure(client.reply(), 1, 1);
        client.request(Nbd.CMD_TRIM, 0, 2, 0, 4096);
        assertFailure(client.reply(), 2, 1);
        client.request(Nbd.CMD_WRITE_ZEROES, 0, 3, 0, 4096);
        assertFailure(client.reply(), 3, 1);
        client.request(Nbd.CMD_FLUSH, 0, 4, 0, 0);
        assertSuccess(client.reply(), 4);
        assertThat(snapshot.flushes).as("there is nothing to flush").hasValue(0);
        assertAlive(client);
    }

    @Test
    void saysWhyTheStoreFailed() throws IOException {
        final RawNbdClient client = structured();
        failWith(new NoSpaceException("store full"));
        client.write(0, 1, 0, noise(4096));
        assertFailure(client.reply(), 1, 28);
        failWith(new CorruptStoreException("chunk", 4096, "checksum 0x1 (expected: 0x2)"));
        client.request(Nbd.CMD_READ, 0, 2, 0, 4096);
        assertFailure(client.reply(), 2, 5);
        failWith(new StoreException("device is gone"));
        client.request(Nbd.CMD_FLUSH, 0, 3, 0, 0);
        assertFailure(client.reply(), 3, 5);
        client.request(Nbd.CMD_BLOCK_STATUS, 0, 4, 0, 4096);
        assertFailure(client.reply(), 4, 5);
        failWith(new IllegalStateException("a bug"));
        client.request(Nbd.CMD_TRIM, 0, 5, 0, 4096);
        assertFailure(client.reply(), 5, 5);

        volume.hook = (method, offset, length) -> {};
        assertAlive(client);
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 200_000})
    void goesOnWhileAWriteWaitsForRoom(final int length) throws IOException {
        final RawNbdClient client = structured();
        volume.putAside = new ConcurrentLinkedQueue<>();
        failWith(new StoreFullException("store full"));
        final byte[] data = noise(length);
        client.write(0, 1, 0, data);
        waitUntil(() -> volume.putAside.size() == 1);
        client.request(Nbd.CMD_TRIM, 0, 2, 2 * MIB, 4096);
        waitUntil(() -> volume.putAside.size() == 2);
        volume.hook = (method, offset, ignored) -> {};
        client.request(Nbd.CMD_READ, 0, 3, MIB, 4096);
        assertSuccess(client.reply(4096), 3);

        workers.submit(volume.putAside.poll());
        assertSuccess(client.reply(), 1);
        client.request(Nbd.CMD_READ, 0, 4, 0, length);
        assertThat(client.reply(length).data()).isEqualTo(data);
        workers.submit(volume.putAside.poll());
        assertSuccess(client.reply(), 2);
    }

    @Test
    void letsGatheredWritesWaitForRoomEachByItself() throws IOException {
        final RawNbdClient client = structured();
        volume.putAside = new ConcurrentLinkedQueue<>();
        volume.hook = (method, offset, ignored) -> {
            if (method.equals("write") && offset == 4096) {
                throw new StoreFullException("store full");
            }
        };
        final byte[] data = noise(4096);
        final ByteBuffer together = ByteBuffer.allocate(3 * 5000);
        for (int i = 0; i < 3; i++) {
            together.put(RawNbdClient.request(Nbd.CMD_WRITE, 0, i, 4096L * i, 4096, data)
                    .flip());
        }
        client.send(together);
        assertThat(List.of(client.reply().cookie(), client.reply().cookie())).containsExactlyInAnyOrder(0L, 2L);
        waitUntil(() -> volume.putAside.size() == 1);

        volume.hook = (method, offset, ignored) -> {};
        workers.submit(volume.putAside.poll());
        assertSuccess(client.reply(), 1);
        client.request(Nbd.CMD_READ, 0, 4, 4096, 4096);
        assertThat(client.reply(4096).data()).isEqualTo(data);
    }

    @Test
    void failsALongReadAsAWholeWhenOneOfItsPiecesFails() throws IOException {
        final RawNbdClient client = structured();
        volume.hook = (method, offset, length) -> {
            if (offset == 2 * MIB) {
                throw new CorruptStoreException("chunk", 4096, "checksum 0x1 (expected: 0x2)");
            }
        };
        client.request(Nbd.CMD_READ, 0, 1, 0, 5 * MIB);
        RawNbdClient.Reply reply = client.reply();
        int dataChunks = 0;
        while (reply.type() == Nbd.REPLY_TYPE_OFFSET_DATA) {
            assertThat(reply.done()).isFalse();
            dataChunks++;
            reply = client.reply();
        }
        assertThat(dataChunks).isEqualTo(4);
        assertThat(reply.done()).isTrue();
        assertFailure(reply, 1, 5);

        client.write(0, 2, 0, noise(5 * MIB));
        assertFailure(client.reply(), 2, 5);
        volume.hook = (method, offset, length) -> {};
        assertAlive(client);
    }

    @Test
    void sendsNoDataAfterTheErrorOfASimpleReply() throws IOException {
        final RawNbdClient client = simple();
        failWith(new StoreException("device is gone"));
        client.request(Nbd.CMD_READ, 0, 1, 0, 2 * MIB);
        assertFailure(client.reply(2 * MIB), 1, 5);
        client.request(Nbd.CMD_READ, 0, 2, 0, 4096);
        assertFailure(client.reply(4096), 2, 5);
        volume.hook = (method, offset, length) -> {};
        assertAlive(client);
    }

    @Test
    void dropsAClientThatLosesTheThreadAndNobodyElse() throws IOException {
        final RawNbdClient broken = structured();
        final RawNbdClient greedy = structured();
        final RawNbdClient other = structured();

        broken.send(ByteBuffer.allocate(28).putInt(0x1234).position(28));
        greedy.request(Nbd.CMD_WRITE, 0, 1, 0, PAYLOAD_MAX + 1);

        assertThat(broken.atEnd()).isTrue();
        assertThat(greedy.atEnd()).isTrue();
        assertAlive(other);
    }

    // Order and leaving

    @Test
    void answersOutOfOrder() throws Exception {
        final RawNbdClient client = structured();
        final CountDownLatch slow = new CountDownLatch(1);
        volume.hook = (method, offset, length) -> {
            if (method.equals("flush")) {
                await(slow);
            }
        };
        // Together, so that the flush is not alone when it is decoded.
        client.send(ByteBuffer.allocate(2 * 28)
                .put(RawNbdClient.request(Nbd.CMD_FLUSH, 0, 1, 0, 0, new byte[0])
                        .flip())
                .put(RawNbdClient.request(Nbd.CMD_READ, 0, 2, 0, 512, new byte[0])
                        .flip()));

        assertThat(client.reply().cookie()).isEqualTo(2);
        slow.countDown();
        assertThat(client.reply().cookie()).isEqualTo(1);
    }

    @Test
    void writesNothingOfAWriteThatWasNotSentWhole() throws IOException {
        for (final int length : new int[] {4096, 500_000}) {
            final RawNbdClient client = structured();
            client.request(Nbd.CMD_WRITE, 0, 1, 0, length);
            client.send(ByteBuffer.allocate(length - 1).put(noise(length - 1)));
            client.close();
        }
        waitUntil(() -> server.clients().isEmpty());
        final RawNbdClient reader = simple();
        reader.request(Nbd.CMD_READ, 0, 1, 0, 4096);
        assertThat(reader.reply(4096).payload()).containsOnly(0);
    }

    @Test
    void answersWhatIsInFlightBeforeItFollowsADisconnect() throws Exception {
        final RawNbdClient client = structured();
        volume.hook = (method, offset, length) -> pause(50);
        client.send(ByteBuffer.allocate(3 * 28)
                .put(RawNbdClient.request(Nbd.CMD_READ, 0, 1, 0, 512, new byte[0])
                        .flip())
                .put(RawNbdClient.request(Nbd.CMD_READ, 0, 2, 0, 100_000, new byte[0])
                        .flip())
                .put(RawNbdClient.request(Nbd.CMD_DISC, 0, 3, 0, 0, new byte[0]).flip()));

        final Set<Long> cookies = Set.of(client.reply().cookie(), client.reply().cookie());
        assertThat(cookies).containsExactlyInAnyOrder(1L, 2L);
        assertThat(client.atEnd()).isTrue();
    }

    @Test
    void survivesClientsThatVanishWithRequestsInFlight() throws IOException {
        volume.hook = (method, offset, length) -> pause(1);
        for (int round = 0; round < 8; round++) {
            final RawNbdClient client = connect(round % 2 == 0 ? unix : tcp, "vol", true);
            for (int i = 0; i < 16; i++) {
                client.request(Nbd.CMD_READ, 0, i, (long) i * MIB, MIB);
            }
            client.close();
        }
        waitUntil(() -> server.clients().isEmpty());
        assertAlive(structured());
    }

    // Many clients, slow clients

    @Test
    void servesSixteenConnectionsAtOnce() throws Exception {
        final List<Thread> threads = new ArrayList<>();
        final List<Throwable> failures = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            final RawNbdClient client = connect(i % 2 == 0 ? unix : tcp, "vol", i % 3 == 0);
            final long offset = (long) i * 2 * MIB;
            final Thread thread = new Thread(() -> {
                try {
                    writeAndReadBack(client, offset);
                } catch (final IOException | AssertionError ex) {
                    synchronized (failures) {
                        failures.add(ex);
                    }
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (final Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(server.clients()).hasSize(16).allSatisfy(client -> {
            assertThat(client.export()).isEqualTo("vol");
            assertThat(client.requests()).isEqualTo(40);
            assertThat(client.bytesRead()).isEqualTo(20 * 50_000);
            assertThat(client.bytesWritten()).isEqualTo(20 * 50_000);
            assertThat(client.inFlight()).isZero();
        });
    }

    private static void writeAndReadBack(final RawNbdClient client, final long offset) throws IOException {
        for (int i = 0; i < 20; i++) {
            final byte[] data = noise(50_000);
            client.write(0, 1, offset + i * 50_000, data);
            assertThat(client.reply().errorValue()).isZero();
            client.request(Nbd.CMD_READ, 0, 2, offset + i * 50_000, data.length);
            final RawNbdClient.Reply reply = client.reply(data.length);
            assertThat(Arrays.equals(reply.simple() ? reply.payload() : reply.data(), data))
                    .isTrue();
        }
    }

    @Test
    void isNotHeldUpByClientsThatNeverReadTheirReplies() throws Exception {
        final List<Thread> senders = new ArrayList<>();
        for (int i = 0; i < 6; i++) { // Together they may hold all of the shared memory.
            final RawNbdClient stalled = connect(i % 2 == 0 ? unix : tcp, "vol", i % 3 == 0);
            final Thread sender = new Thread(() -> {
                try {
                    for (int cookie = 0; cookie < 2000; cookie++) {
                        stalled.request(Nbd.CMD_READ, 0, cookie, 0, 4 * MIB);
                    }
                } catch (final IOException ex) {
                    return; // The test is over.
                }
            });
            sender.setDaemon(true);
            sender.start();
            senders.add(sender);
        }
        final int[] inFlight = new int[1];
        waitUntil(() -> {
            final int before = inFlight[0];
            pause(200);
            inFlight[0] =
                    server.clients().stream().mapToInt(NbdClient::inFlight).sum();
            return inFlight[0] >= 15 && inFlight[0] == before;
        });

        final RawNbdClient quick = structured();
        for (int i = 0; i < 50; i++) {
            assertAlive(quick);
            quick.write(0, 7, 0, noise(3 * MIB));
            assertSuccess(quick.reply(), 7);
        }
        quick.request(Nbd.CMD_READ, 0, 2, 0, 8 * MIB);
        assertThat(readChunks(quick, 2, 0, 8 * MIB)).hasSize(8 * MIB);
        readUndividedWhileOthersHoldTheMemory();
        assertThat(server.clients().stream().mapToInt(NbdClient::inFlight)).allMatch(count -> count <= 32);
    }

    /** Which the connection's reserve cannot hold at once. */
    private void readUndividedWhileOthersHoldTheMemory() throws IOException {
        final RawNbdClient unfragmented = structured();
        final RawNbdClient plain = simple();
        final int length = 9 * MIB + 333;
        final byte[] data = noise(length);
        plain.write(0, 1, 0, data);
        assertSuccess(plain.reply(), 1);

        unfragmented.request(Nbd.CMD_READ, Nbd.CMD_FLAG_DF, 2, 0, length);
        final RawNbdClient.Reply chunk = unfragmented.reply();
        assertThat(Arrays.equals(chunk.data(), data)).isTrue();
        assertThat(chunk.done()).isFalse();
        assertThat(unfragmented.reply().type()).isEqualTo(Nbd.REPLY_TYPE_NONE);
        plain.request(Nbd.CMD_READ, 0, 3, 0, length);
        assertThat(Arrays.equals(plain.reply(length).payload(), data)).isTrue();

        volume.hook = (method, offset, ignored) -> {
            if (offset == 3 * MIB) {
                throw new CorruptStoreException("chunk", 4096, "checksum 0x1 (expected: 0x2)");
            }
        };
        unfragmented.request(Nbd.CMD_READ, Nbd.CMD_FLAG_DF, 4, 0, length);
        final byte[] torn = unfragmented.reply().data();
        assertThat(Arrays.equals(torn, 0, 3 * MIB, data, 0, 3 * MIB)).isTrue();
        assertThat(Arrays.equals(torn, 3 * MIB, length, new byte[length], 0, length - 3 * MIB))
                .isTrue();
        assertFailure(unfragmented.reply(), 4, 5);
        plain.request(Nbd.CMD_READ, 0, 5, 0, length);
        plain.receive(16 + 3 * MIB);
        assertThat(plain.atEnd()).isTrue();
        volume.hook = (method, offset, ignored) -> {};
        assertAlive(unfragmented);
    }

    /** Its requests are looked for awake only where no reply is under way: that changes the mode of the socket. */
    @Test
    void takesLongReadsOfAClientThatHasNotTakenTheFirstYet() throws IOException {
        final RawNbdClient client = structured();
        for (int i = 0; i < 100; i++) {
            assertAlive(client); // From now on it is one that comes back soon.
        }
        final Set<Long> begun = ConcurrentHashMap.newKeySet();
        volume.hook = (method, offset, length) -> begun.add(offset);

        for (int i = 0; i < 3; i++) {
            client.request(Nbd.CMD_READ, 0, i, 4L * i * MIB, 4 * MIB);
            pause(50); // The socket is full, and the connection waits for the next one.
        }

        waitUntil(() -> begun.contains(8L * MIB));
    }

    @Test
    void goesOnWithAClientThatStartsToReadLate() throws Exception {
        final RawNbdClient client = structured();
        final Thread sender = new Thread(() -> {
            try {
                for (int cookie = 0; cookie < 500; cookie++) {
                    client.request(Nbd.CMD_READ, 0, cookie, 0, 60_000);
                }
            } catch (final IOException ex) {
                throw new AssertionError(ex);
            }
        });
        sender.start();
        pause(300);

        final Set<Long> cookies = new HashSet<>();
        for (int i = 0; i < 500; i++) {
            cookies.add(client.reply().cookie());
        }
        assertThat(cookies).hasSize(500);
        sender.join();
    }

    @Test
    void acceptsNoMoreConnectionsThanAllowedUntilOneGoes() throws Exception {
        final Path path = directory.resolve("few");
        try (NbdServer few = new NbdServer(table, workers, new NbdServerOptions(2, 4, 32 * MIB, 64 * MIB, 1, 30, 1))) {
            final SocketAddress address = few.listen(UnixDomainSocketAddress.of(path));
            final RawNbdClient first = connect(address, "vol", false);
            connect(address, "vol", false);
            try (RawNbdClient third = new RawNbdClient(address)) {
                pause(100);
                assertThat(few.clients()).hasSize(2);
                first.close();
                assertThat(third.receive(18).getLong()).isEqualTo(Nbd.INIT_PASSWD);
            }
        }
        assertThat(path).doesNotExist();
    }

    // Closing

    @Test
    void finishesRequestsInFlightWhenTheServerIsClosed() throws Exception {
        final RawNbdClient client = structured();
        final CountDownLatch begun = new CountDownLatch(1);
        volume.hook = (method, offset, length) -> {
            begun.countDown();
            pause(300);
        };
        client.write(0, 1, 0, noise(4096));
        await(begun);

        server.close();

        assertSuccess(client.reply(), 1);
        assertThat(client.atEnd()).isTrue();
    }

    @Test
    void cutsOffWhoeverDoesNotTakeTheLastReplies() throws Exception {
        final RawNbdClient stalled = structured();
        final Thread sender = new Thread(() -> {
            try {
                for (int cookie = 0; cookie < 2000; cookie++) {
                    stalled.request(Nbd.CMD_READ, 0, cookie, 0, MIB);
                }
            } catch (final IOException ex) {
                return; // That is the point.
            }
        });
        sender.start();
        pause(200);

        final long begin = System.nanoTime();
        server.close();

        assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin)).isLessThan(5000);
        assertThat(server.clients()).isEmpty();
        sender.join();
    }

    // What the tests share

    private void failWith(final RuntimeException failure) {
        volume.hook = (method, offset, length) -> {
            throw failure;
        };
    }

    private static byte[] readChunks(final RawNbdClient client, final long cookie, final long offset, final int length)
            throws IOException {
        final byte[] result = new byte[length];
        int covered = 0;
        RawNbdClient.Reply reply;
        do {
            reply = client.reply();
            assertThat(reply.cookie()).isEqualTo(cookie);
            assertThat(reply.type()).isEqualTo(Nbd.REPLY_TYPE_OFFSET_DATA);
            final byte[] data = reply.data();
            System.arraycopy(
                    data, 0, result, (int) (ByteBuffer.wrap(reply.payload()).getLong() - offset), data.length);
            covered += data.length;
        } while (!reply.done());
        assertThat(covered).isEqualTo(length);
        return result;
    }

    private static List<Integer> descriptors(final RawNbdClient.Reply reply, final long cookie) {
        assertThat(reply.cookie()).isEqualTo(cookie);
        assertThat(reply.type()).isEqualTo(Nbd.REPLY_TYPE_BLOCK_STATUS);
        assertThat(reply.done()).isTrue();
        final ByteBuffer payload = ByteBuffer.wrap(reply.payload());
        assertThat(payload.getInt()).isEqualTo(NbdHandshake.ALLOCATION_CONTEXT_ID);
        final List<Integer> descriptors = new ArrayList<>();
        while (payload.hasRemaining()) {
            descriptors.add(payload.getInt());
        }
        return descriptors;
    }

    private static void assertSuccess(final RawNbdClient.Reply reply, final long cookie) {
        assertThat(reply.cookie()).isEqualTo(cookie);
        assertThat(reply.errorValue()).isZero();
    }

    private static void assertFailure(final RawNbdClient.Reply reply, final long cookie, final int error) {
        assertThat(reply.cookie()).isEqualTo(cookie);
        assertThat(reply.simple() || reply.type() == Nbd.REPLY_TYPE_ERROR).isTrue();
        assertThat(reply.errorValue()).isEqualTo(error);
    }

    private static void assertAlive(final RawNbdClient client) throws IOException {
        client.request(Nbd.CMD_READ, 0, 99, 0, 512);
        final RawNbdClient.Reply reply = client.reply(512);
        assertSuccess(reply, 99);
        assertThat(reply.simple() ? reply.payload() : reply.data()).hasSize(512);
    }

    private static byte[] noise(final int length) {
        final byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static void waitUntil(final BooleanSupplier condition) {
        for (int i = 0; i < 1000 && !condition.getAsBoolean(); i++) {
            pause(10);
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }

    private static void pause(final long millis) {
        try {
            Thread.sleep(millis);
        } catch (final InterruptedException ex) {
            throw new AssertionError(ex);
        }
    }

    private static void await(final CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (final InterruptedException ex) {
            throw new AssertionError(ex);
        }
    }
}
