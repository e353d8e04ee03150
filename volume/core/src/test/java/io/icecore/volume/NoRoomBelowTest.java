package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.sim.SimBlockDevice;
import java.time.Clock;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The store has room, and the file system below has none. */
class NoRoomBelowTest {
    private static final int CHUNK = 4096;

    private final SimBlockDevice device = new SimBlockDevice(16L << 20);
    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[CHUNK]);
    private final VolumeWorkers workers = new VolumeWorkers(1, 1);
    private Catalog catalog;
    private Export vm;
    private Throwable failure;
    private int answers;

    @BeforeEach
    void open() {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.createVolume("vm", 1L << 30);
        catalog.letWritesWait();
        vm = catalog.exports().open("vm");
    }

    @AfterEach
    void close() {
        workers.close();
        vm.close();
        catalog.close();
    }

    private void request(final IoRequest.Op op) {
        final IoRequest request = new IoRequest() {
            @Override
            protected void completed(final Throwable failureOrNull) {
                failure = failureOrNull;
                answers++;
            }
        };
        request.export = vm;
        request.op = op;
        request.length = op == IoRequest.Op.WRITE ? CHUNK : 0;
        request.buffer = buffer;
        workers.execute(request);
    }

    /** Nothing that is deleted in the store makes room below it: least of all may rolling snapshots go for that. */
    @ParameterizedTest
    @EnumSource
    void aWriteFailsAtOnceWhateverThePolicyForAFullStore(final WhenFull whenFull) {
        catalog.setStorePolicy(new StorePolicy(whenFull, 0));
        device.faults().refuseWritesFrom(device.writes());

        request(IoRequest.Op.WRITE);

        assertThat(answers).isEqualTo(1);
        assertThat(failure).isExactlyInstanceOf(NoSpaceException.class);
        assertThat(catalog.waitingWrites()).isZero();
        device.faults().clear();
        request(IoRequest.Op.WRITE);
        request(IoRequest.Op.FLUSH);
        assertThat(failure).isNull();
    }

    @Test
    void aWriteThatFailsCommitsNothing() {
        final long generation = catalog.store().info().generation();
        device.faults().refuseWritesFrom(device.writes());

        request(IoRequest.Op.WRITE);

        assertThat(failure).isInstanceOf(NoSpaceException.class);
        device.faults().clear();
        assertThat(catalog.store().info().generation()).isEqualTo(generation);
        assertThat(catalog.store().info().health()).isEqualTo("ok");
    }

    @Test
    void aCommitThatFindsNoRoomIsMadeWhenThereIsSome() {
        request(IoRequest.Op.WRITE);
        device.faults().refuseWritesFrom(device.writes());

        request(IoRequest.Op.FLUSH);
        assertThat(failure).isInstanceOf(NoSpaceException.class);
        request(IoRequest.Op.WRITE);
        assertThat(failure).as("nothing more is taken meanwhile").isInstanceOf(NoSpaceException.class);
        request(IoRequest.Op.READ);
        assertThat(failure).as("reads go on").isNull();
        assertThat(catalog.store().noRoomBelow()).contains("planned lack of space");
        assertThat(catalog.store().atRest()).isFalse();

        device.faults().clear();
        final long generation = catalog.store().info().generation();
        request(IoRequest.Op.FLUSH);
        assertThat(failure).isNull();
        assertThat(catalog.store().info().generation()).isEqualTo(generation + 1);
        assertThat(catalog.store().noRoomBelow()).isNull();
        request(IoRequest.Op.WRITE);
        assertThat(failure).isNull();
    }
}
