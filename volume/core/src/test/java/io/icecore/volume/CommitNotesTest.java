package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class CommitNotesTest {
    private static final int CHUNK = 4096;
    private static final long SIZE = 1L << 30;

    private final MemoryDevice device = new MemoryDevice(64 << 20);
    private final UnsafeBuffer notes = new UnsafeBuffer(new byte[CommitParticipant.NOTES_LENGTH_MAX]);
    private Catalog catalog = open();

    private Catalog open() {
        Store.format(device, "test");
        return Catalog.open(Store.open(device), Clock.systemUTC());
    }

    private int write() {
        return catalog.parts().look(() -> catalog.parts().notes().beforeCommit(notes));
    }

    @Test
    void carryCountersAndRegionsWithoutTouchingTheTrees() {
        catalog.createVolume("vm", SIZE);
        catalog.createSnapshots(List.of("vm"), null, Map.of());
        writeChunks("vm", 7, 3);
        writeChunks("vm", 100_000, 1);

        assertThat(write()).isEqualTo(4 + 28 + 2 * 12);
        assertThat(containersOfHead("vm")).isZero();
        catalog = TestStores.reopen(catalog, device, Clock.systemUTC());

        assertThat(catalog.volume("vm").mappedBytes()).isEqualTo(4 * CHUNK);
        final Snapshot second =
                catalog.createSnapshots(List.of("vm"), null, Map.of()).get(0);
        assertThat(second.writtenBytes()).isEqualTo(4 * CHUNK);
        final RegionBitmap first = new RegionBitmap();
        catalog.parts().look(() -> {
            catalog.parts().regions().look(second.branch(), second.epoch(), 0, first);
            return null;
        });
        assertThat(first.nextSet(0)).isEqualTo(7);
        assertThat(first.cardinality()).isEqualTo(3);
    }

    @Test
    void areWrittenToTheTreesWhenTheyGetTooLong() {
        catalog.createVolume("vm", SIZE);
        catalog.createSnapshots(List.of("vm"), null, Map.of());
        for (int i = 0; i < 200; i++) {
            writeChunks("vm", 2 * i, 1);
        }
        assertThat(write()).isEqualTo(4 + 28);
        assertThat(containersOfHead("vm")).isEqualTo(1);

        for (int i = 0; i <= CommitNotes.BRANCHES_MAX; i++) {
            catalog.createVolume("many" + i, SIZE);
        }
        for (int i = 0; i <= CommitNotes.BRANCHES_MAX; i++) {
            writeChunks("many" + i, 0, 1);
        }
        assertThat(write()).isEqualTo(4);
        catalog = TestStores.reopen(catalog, device, Clock.systemUTC());
        assertThat(catalog.volumes())
                .allSatisfy(volume -> assertThat(volume.mappedBytes()).isGreaterThanOrEqualTo(CHUNK));
    }

    @Test
    void costNothingMoreWhenTheSameRegionIsWrittenAgain() {
        catalog.createVolume("vm", SIZE);
        catalog.createSnapshots(List.of("vm"), null, Map.of());
        for (int i = 0; i < 200; i++) {
            writeChunks("vm", 2 * i, 1);
        }
        write(); // Folds.
        for (int i = 0; i < 200; i++) {
            writeChunks("vm", 2 * i, 1);
        }

        assertThat(write()).isEqualTo(4 + 28);
    }

    @Test
    void refuseWhatIsDamaged() {
        catalog.createVolume("vm", SIZE);
        writeChunks("vm", 0, 1);
        final int length = write();

        assertThatThrownBy(() -> catalog.parts().notes().loadNotes(notes, length - 1))
                .isInstanceOf(CorruptStoreException.class);
        notes.putByte(0, (byte) 7);
        assertThatThrownBy(() -> catalog.parts().notes().loadNotes(notes, length))
                .isInstanceOf(CorruptStoreException.class);
    }

    @Test
    void refuseToCommitAfterAChangeBrokeOff() {
        catalog.createVolume("vm", SIZE);

        assertThatThrownBy(() -> catalog.parts().change(() -> {
                    catalog.parts().changing();
                    Numbers.takeVolume(catalog.parts().tree());
                    throw new StoreException("a leaf could not be read");
                }))
                .isInstanceOf(StoreException.class);

        assertThatThrownBy(() -> catalog.store().commit()).hasMessageContaining("reopen");
        assertThatThrownBy(() -> writeChunks("vm", 0, 1)).hasMessageContaining("reopen");
    }

    private long containersOfHead(final String volume) {
        return catalog.parts().look(() -> {
            final Branch branch =
                    catalog.parts().branches().get(catalog.volume(volume).branch());
            long count = 0;
            final Regions regions = catalog.parts().regions();
            for (long c = regions.nextContainer(branch.number, branch.epoch, 0);
                    c >= 0;
                    c = regions.nextContainer(branch.number, branch.epoch, c + 1)) {
                count++;
            }
            return count;
        });
    }

    private void writeChunks(final String volume, final long chunk, final int count) {
        try (Export export = catalog.exports().open(volume)) {
            export.write(chunk * CHUNK, new UnsafeBuffer(new byte[count * CHUNK]), 0, count * CHUNK, false);
        }
    }
}
