package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NbdBufferPoolTest {
    private static final int MIB = 1 << 20;
    private static final int SHARED_MIB = 64;

    private final NbdBufferPool pool = new NbdBufferPool((long) SHARED_MIB * MIB);

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void lendsAtLeastWhatIsAskedFor() {
        final NbdBufferPool.Share share = pool.share(32 * MIB);
        assertThat(share.tryAcquire(1).length()).isEqualTo(4096);
        assertThat(share.tryAcquire(4097).length()).isEqualTo(8192);
        assertThat(share.tryAcquire(32 * MIB).length()).isEqualTo(32 * MIB);
    }

    @Test
    void lendsTheSameBufferAgain() {
        final NbdBufferPool.Share share = pool.share(32 * MIB);
        final NbdBufferPool.Lease lease = share.tryAcquire(10_000);
        lease.bytes.limit(100).position(50);
        share.release(lease);

        final NbdBufferPool.Lease again = share.tryAcquire(16_000);

        assertThat(again).isSameAs(lease);
        assertThat(again.bytes.remaining()).isEqualTo(16_384);
    }

    @Test
    void keepsAReserveForEachConnectionWhateverOthersHold() {
        final NbdBufferPool.Share hog = pool.share((long) SHARED_MIB * MIB);
        final NbdBufferPool.Share other = pool.share(32 * MIB);
        while (hog.tryAcquire(MIB) != null) {
            assertThat(hog.bytes()).isLessThanOrEqualTo((long) (SHARED_MIB + 1) * MIB);
        }

        assertThat(other.tryAcquire(2 * MIB)).isNull();
        assertThat(other.tryAcquire(MIB)).isNotNull();
        assertThat(other.tryAcquire(4096)).as("its reserve is used up").isNull();
    }

    @Test
    void holdsAConnectionToItsOwnLimit() {
        final NbdBufferPool.Share share = pool.share(32 * MIB);
        assertThat(share.tryAcquire(MIB)).isNotNull();
        assertThat(share.tryAcquire(32 * MIB)).isNotNull();
        assertThat(share.tryAcquire(4096)).isNull();
        assertThat(pool.share(32 * MIB).tryAcquire(32 * MIB))
                .as("others have theirs")
                .isNotNull();
    }

    @Test
    void grantsWhatIsReleasedToWhoeverHasWaitedLongest() throws Exception {
        final NbdBufferPool.Share hog = pool.share((long) SHARED_MIB * MIB);
        final List<NbdBufferPool.Lease> held = new ArrayList<>();
        for (NbdBufferPool.Lease lease = hog.tryAcquire(MIB); lease != null; lease = hog.tryAcquire(MIB)) {
            held.add(lease);
        }
        final NbdBufferPool.Share large = pool.share(32 * MIB);
        final NbdBufferPool.Share small = pool.share(32 * MIB);
        final CompletableFuture<NbdBufferPool.Lease> first = acquireOnAnotherThread(large, 8 * MIB);
        waitUntilItWaits(pool, 1);
        final CompletableFuture<NbdBufferPool.Lease> second = acquireOnAnotherThread(small, 2 * MIB);
        waitUntilItWaits(pool, 2);

        for (int i = 0; i < 7; i++) {
            hog.release(held.remove(held.size() - 1));
        }
        Thread.sleep(20);
        assertThat(second).as("the small one does not overtake the large one").isNotDone();
        for (int i = 0; i < 4; i++) {
            hog.release(held.remove(held.size() - 1));
        }

        assertThat(first.get(5, TimeUnit.SECONDS).length()).isEqualTo(8 * MIB);
        assertThat(second.get(5, TimeUnit.SECONDS).length()).isEqualTo(2 * MIB);
    }

    @Test
    void whoWaitsBecauseOfItsOwnLimitHoldsUpNobody() throws Exception {
        final NbdBufferPool.Share full = pool.share(32 * MIB);
        assertThat(full.tryAcquire(MIB)).isNotNull();
        final NbdBufferPool.Lease own = full.tryAcquire(32 * MIB);
        final CompletableFuture<NbdBufferPool.Lease> waits = acquireOnAnotherThread(full, 2 * MIB);
        waitUntilItWaits(pool, 1);
        final NbdBufferPool.Share other = pool.share(32 * MIB);
        final CompletableFuture<NbdBufferPool.Lease> granted = acquireOnAnotherThread(other, 4 * MIB);

        final NbdBufferPool.Lease small = pool.share(32 * MIB).tryAcquire(4096);
        assertThat(small).isNotNull();
        assertThat(granted.get(5, TimeUnit.SECONDS)).isNotNull();
        assertThat(waits).isNotDone();
        full.release(own);
        assertThat(waits.get(5, TimeUnit.SECONDS)).isNotNull();
    }

    private static CompletableFuture<NbdBufferPool.Lease> acquireOnAnotherThread(
            final NbdBufferPool.Share share, final int length) {
        return CompletableFuture.supplyAsync(() -> share.acquire(length));
    }

    private static void waitUntilItWaits(final NbdBufferPool pool, final int count) throws InterruptedException {
        for (int i = 0; i < 500 && pool.waitingCount() < count; i++) {
            Thread.sleep(10);
        }
        assertThat(pool.waitingCount()).isEqualTo(count);
    }
}
