package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Commands that arrive while the connection's thread is at a write, so that it finds them all at once afterwards.
 */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class GatheredWritesTest {
    private static final int CHUNK = 4096;
    private static final int BLOCK = 512;
    private static final int CHUNK_BLOCKS = CHUNK / BLOCK;
    private static final int HELD_CHUNK = 1000;
    private static final int FUA = 0x08;
    private static final int ORDERED = 2;

    private final InMemoryExports exports = new InMemoryExports().addVolume("vm1", 64 << 20);
    private final VolumeWorkers workers = new VolumeWorkers(2, 64);
    private final IscsiTarget target =
            new IscsiTarget("lab", IscsiOptions.DEFAULT, exports, ReservationStore.NONE, workers);
    private TestInitiator initiator;
    private int heldTag;

    @BeforeEach
    void holdTheConnection() throws Exception {
        initiator = connect();
        exports.holdWrites();
        heldTag = write(HELD_CHUNK, 1, 0);
        exports.awaitHeldWrite();
    }

    @AfterEach
    void closeAll() throws IOException {
        initiator.close();
        target.close();
        workers.close();
        assertThat(exports.open).as("exports left open").hasValue(0);
    }

    private TestInitiator connect() throws IOException {
        final InetSocketAddress address =
                target.listen(new InetSocketAddress("127.0.0.1", 0)).address();
        return new TestInitiator(address).loggedIn(target.targetName("vm1"));
    }

    /** Sends a write of chunks full of one byte; returns its tag. */
    private int write(final int chunk, final int count, final int value) throws IOException {
        return send(TestInitiator.write10(chunk * CHUNK_BLOCKS, count * CHUNK_BLOCKS), 0, full(count * CHUNK, value));
    }

    private int send(final byte[] cdb, final int attribute, final byte[] out) throws IOException {
        return initiator.sendCommand(cdb, 0x80 | (out.length > 0 ? 0x20 : 0) | attribute, out.length, out);
    }

    private static byte[] full(final int length, final int value) {
        final byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /** Lets the connection go on; the status of each command, in the order of their tags from the held one on. */
    private int[] statuses() throws IOException {
        exports.releaseWrites();
        final int[] statuses = new int[initiator.nextTag - heldTag];
        for (int i = 0; i < statuses.length; i++) {
            final TestInitiator.Received answer = initiator.receive();
            assertThat(answer.opcode()).isEqualTo(0x21);
            statuses[answer.u32(16) - heldTag] = answer.u8(3);
        }
        return statuses;
    }

    private byte[] read(final int chunk, final int count) throws IOException {
        return initiator
                .command(TestInitiator.read10(chunk * CHUNK_BLOCKS, count * CHUNK_BLOCKS), new byte[0], count * CHUNK)
                .data();
    }

    @Test
    void writesThatArriveTogetherAreCarriedOutTogether() throws IOException {
        for (int i = 1; i <= 10; i++) {
            write(3 * i, 2, i);
        }

        assertThat(statuses()).hasSize(11).containsOnly(0);

        assertThat(exports.batches).containsExactly(10);
        for (int i = 1; i <= 10; i++) {
            assertThat(read(3 * i, 3)).isEqualTo(Arrays.copyOf(full(2 * CHUNK, i), 3 * CHUNK));
        }
        assertThat(target.sessions().get(0).bytesWritten()).isEqualTo(21 * CHUNK);
    }

    @Test
    void noMoreThan32AtOnce() throws IOException {
        for (int i = 1; i <= 40; i++) {
            write(i, 1, i);
        }

        assertThat(statuses()).hasSize(41).containsOnly(0);

        assertThat(exports.batches)
                .as("as many as the socket held")
                .hasSizeLessThan(10)
                .allMatch(writes -> writes <= 32);
        assertThat(read(1, 40)).startsWith(full(CHUNK, 1)).endsWith(full(CHUNK, 40));
    }

    @Test
    void whatABatchCannotHoldGoesByItself() throws IOException {
        write(1, 1, 1);
        send(TestInitiator.write10(17, 1), 0, full(BLOCK, 2)); // No whole chunk.
        final byte[] forced = TestInitiator.write10(3 * CHUNK_BLOCKS, CHUNK_BLOCKS);
        forced[1] = FUA;
        send(forced, 0, full(CHUNK, 3));
        write(4, 1, 4);

        assertThat(statuses()).hasSize(5).containsOnly(0);

        assertThat(exports.batches).containsExactly(2);
        assertThat(exports.flushes).hasValue(1);
        assertThat(read(1, 1)).isEqualTo(full(CHUNK, 1));
        assertThat(Arrays.copyOfRange(read(2, 1), BLOCK, 2 * BLOCK)).isEqualTo(full(BLOCK, 2));
        assertThat(read(3, 1)).isEqualTo(full(CHUNK, 3));
        assertThat(read(4, 1)).isEqualTo(full(CHUNK, 4));
    }

    @Test
    void aWriteThatFailsFailsAlone() throws IOException {
        exports.failWritesAt(2 * CHUNK);
        for (int i = 1; i <= 4; i++) {
            write(i, 1, i);
        }

        assertThat(statuses()).containsExactly(0, 0, 2, 0, 0);

        assertThat(exports.batches).containsExactly(4);
        assertThat(read(1, 1)).isEqualTo(full(CHUNK, 1));
        assertThat(read(2, 1)).isEqualTo(full(CHUNK, 0));
        assertThat(read(3, 2)).startsWith(full(CHUNK, 3)).endsWith(full(CHUNK, 4));
    }

    @Test
    void aFlushThatArrivesAfterThemCoversThem() throws IOException {
        for (int i = 1; i <= 3; i++) {
            write(i, 1, i);
        }
        send(TestInitiator.cdb(0x35, 10), 0, new byte[0]);

        assertThat(statuses()).hasSize(5).containsOnly(0);

        assertThat(exports.writesBeforeFlush).as("with the one that was held").hasValue(4);
    }

    @Test
    void anOrderedWriteFollowsThem() throws IOException {
        write(1, 1, 1);
        send(TestInitiator.write10(CHUNK_BLOCKS, CHUNK_BLOCKS), ORDERED, full(CHUNK, 2));
        write(2, 1, 3);

        assertThat(statuses()).hasSize(4).containsOnly(0);

        assertThat(read(1, 1)).isEqualTo(full(CHUNK, 2));
        assertThat(read(2, 1)).isEqualTo(full(CHUNK, 3));
    }

    @Test
    void aCompareAndWriteSeesThem() throws IOException {
        write(0, 1, 7);
        final byte[] compareAndWrite = TestInitiator.cdb(0x89, 16);
        compareAndWrite[13] = 1;
        final byte[] both = full(2 * BLOCK, 7);
        Arrays.fill(both, BLOCK, 2 * BLOCK, (byte) 8);
        send(compareAndWrite, 0, both);
        write(1, 1, 9);

        assertThat(statuses()).hasSize(4).containsOnly(0);

        assertThat(read(0, 1)).startsWith(full(BLOCK, 8)).endsWith(full(CHUNK - BLOCK, 7));
        assertThat(read(1, 1)).isEqualTo(full(CHUNK, 9));
    }

    @Test
    void oneThatIsAbortedIsNotAnswered() throws IOException {
        final int aborted = write(1, 1, 1);
        final int other = write(2, 1, 2);
        final int abort = initiator.sendTaskManagement(1, aborted); // It is there before the writes are carried out.
        exports.releaseWrites();

        assertThat(initiator.taskManagementAnswer(abort)).isZero();

        assertThat(initiator.unasked).extracting(answer -> answer.u32(16)).doesNotContain(aborted);
        assertThat(read(2, 1)).isEqualTo(full(CHUNK, 2));
        assertThat(initiator.unasked).extracting(answer -> answer.u32(16)).contains(heldTag, other);
    }

    @Test
    void theyEndWithASessionThatIsDropped() throws IOException {
        write(1, 1, 1);
        initiator.commandSn++; // A number left out.
        write(2, 1, 2);
        exports.releaseWrites();

        assertThat(initiator.isClosed()).isTrue();

        initiator.close();
        initiator = connect();
        assertThat(read(1, 2))
                .as("what came before is written, the rest is not")
                .startsWith(full(CHUNK, 1))
                .endsWith(full(CHUNK, 0));
    }
}
