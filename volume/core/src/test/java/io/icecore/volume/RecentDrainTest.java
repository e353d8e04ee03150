package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RecentDrainTest {
    private static final int CHUNK = BlockDevice.BLOCK_LENGTH;
    private static final int CHUNKS = 1 << 15;

    private final SparseDevice device = new SparseDevice(1L << 30);
    private final UnsafeBuffer chunk = new UnsafeBuffer(new byte[CHUNK]);
    private final SplittableRandom random = new SplittableRandom(4711);
    private Catalog catalog;
    private int snapshots;

    @BeforeEach
    void create() {
        Store.format(device, "test");
        open();
        catalog.createVolume("vm", (long) CHUNKS * CHUNK);
        overwrite(0, CHUNKS);
    }

    private void open() {
        catalog = Catalog.open(Store.open(device, Clock.systemUTC(), 1000), Clock.systemUTC());
    }

    @AfterEach
    void close() {
        catalog.close();
    }

    private void overwrite(final int first, final int count) {
        try (Export export = catalog.exports().open("vm")) {
            for (int i = first; i < first + count; i++) {
                export.write((long) i * CHUNK, chunk, 0, CHUNK, false);
            }
        }
    }

    /** A snapshot, and random overwrites that save versions for it. */
    private void history(final int overwrites) {
        catalog.createSnapshots(List.of("vm"), "s" + snapshots++, Map.of());
        for (int i = 0; i < overwrites; i++) {
            overwrite(random.nextInt(CHUNKS), 1);
        }
        catalog.store().commit();
    }

    private static int count(final Tree tree) {
        final TreeEntry entry = new TreeEntry();
        int count = 0;
        for (boolean more = tree.ceiling(0, 0, entry); more; more = tree.ceiling(entry.hi(), entry.lo() + 1, entry)) {
            count++;
        }
        return count;
    }

    private int recent() {
        return count(catalog.store().recent());
    }

    private int old() {
        return count(catalog.store().history());
    }

    @Test
    void beginsOnceThereIsEnoughAndMovesAll() {
        history(500);
        final int few = recent();
        assertThat(few).isPositive();
        assertThat(catalog.reclaimStep()).isFalse();
        assertThat(recent()).isEqualTo(few);

        history(5000);
        final int many = recent();
        while (catalog.reclaimStep()) {
            Ownership.of(catalog); // At every step, each version is in one of the trees.
        }
        assertThat(recent()).isZero();
        assertThat(old()).isEqualTo(many);
    }

    @Test
    void writesLeavesThatGetSeveralVersionsEach() {
        for (int i = 0; i < 4; i++) {
            history(8000);
            while (catalog.drainStep()) {
                // Until the history is large.
            }
        }
        final long leaves = catalog.store().history().leavesEstimate();
        int moved = 0;
        int written = 0;
        for (int before = 0; moved == 0; before = recent()) {
            history(1000);
            while (catalog.reclaimStep()) {
                catalog.store().commit();
                written += 1;
            }
            moved = recent() < before ? before : 0;
        }
        assertThat(moved).as("versions of a pass, %d leaves", leaves).isGreaterThan((int) leaves * 4);
        assertThat(written).isLessThan(moved / 16);
    }

    @Test
    void leavesWhereItIsWhatBelongsInADamagedLeaf() {
        history(8000);
        while (catalog.drainStep()) {
            // Until nothing is recent.
        }
        history(5000);
        final int before = recent();
        final long[] leaf = {0};
        catalog.store().forest().walk((tree, level, home, page) -> {
            leaf[0] = tree == OpenedStore.HISTORY && level == 0 ? page.block() : leaf[0];
        });
        catalog.close();
        device.write(leaf[0] * CHUNK, new UnsafeBuffer(new byte[CHUNK]), 0, CHUNK);
        open();

        int failures = 0;
        boolean more = true;
        while (more) {
            try {
                more = catalog.drainStep();
            } catch (final CorruptStoreException ex) {
                assertThat(ex).hasMessageContaining("history leaf");
                failures++;
            }
        }

        assertThat(failures).isBetween(1, 200);
        assertThat(recent()).isEqualTo(failures).isLessThan(before / 10);
        overwrite(CHUNKS - 1, 1); // The version that it saves belongs in that leaf, and need not go there now.
    }

    /** The last one. */
    private void damageALeafOfTheRecentTree() {
        final long[] leaf = {0};
        catalog.store().forest().walk((tree, level, home, page) -> {
            leaf[0] = tree == OpenedStore.RECENT && level == 0 ? page.block() : leaf[0];
        });
        catalog.close();
        device.write(leaf[0] * CHUNK, new UnsafeBuffer(new byte[CHUNK]), 0, CHUNK);
        open();
    }

    @Test
    void aWriteWhoseVersionBelongsInADamagedLeafIsRefusedAndNothingElse() {
        history(5000);
        catalog.createSnapshots(List.of("vm"), "last", Map.of());
        damageALeafOfTheRecentTree();

        final UnsafeBuffer other = new UnsafeBuffer(new byte[2 * CHUNK]);
        other.setMemory(0, 2 * CHUNK, (byte) 7);
        final UnsafeBuffer found = new UnsafeBuffer(new byte[2 * CHUNK]);
        try (Export export = catalog.exports().open("vm")) {
            for (final int count : new int[] {1, 2, 1}) {
                final long position = (long) (CHUNKS - count) * CHUNK;
                assertThatThrownBy(() -> export.write(position, other, 0, count * CHUNK, false))
                        .isInstanceOf(CorruptStoreException.class)
                        .hasMessageContaining("recent leaf");
                export.read(position, found, 0, count * CHUNK);
                assertThat(found).as("as before").isEqualTo(new UnsafeBuffer(new byte[2 * CHUNK]));
            }
        }
        overwrite(0, 1);
        catalog.store().commit();
    }

    @Test
    void endsAtADamagedLeafOfTheRecentTree() {
        history(5000);
        damageALeafOfTheRecentTree();

        assertThatThrownBy(() -> {
                    while (catalog.reclaimStep()) {
                        // Up to the damage.
                    }
                })
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("recent leaf");
        assertThat(old()).isPositive();
        assertThat(catalog.reclaimStep()).as("tries it again").isFalse();
    }
}
