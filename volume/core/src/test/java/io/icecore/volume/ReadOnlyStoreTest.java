package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A store opened read-only, while another process (here: another {@link Store} on the device) writes. */
class ReadOnlyStoreTest {
    private static final int MIB = 1 << 20;

    private final MemoryDevice device = new MemoryDevice(32 << 20);
    private Catalog writer;
    private Catalog reader;

    @BeforeEach
    void openBoth() {
        Store.format(device, "test");
        writer = Catalog.open(Store.open(device), Clock.systemUTC());
        writer.createVolume("vm", MIB);
        write('a');
        writer.createSnapshots(List.of("vm"), "one", Map.of());
        reader = Catalog.open(Store.openReadOnly(device), Clock.systemUTC());
    }

    @AfterEach
    void closeBoth() {
        reader.close();
        writer.close();
    }

    @Test
    void refusesEveryChange() {
        final Snapshot one = reader.snapshots("vm").get(0);
        final Spec spec = Spec.parse("vm@one", ZoneOffset.UTC);
        assertRefused(() -> reader.createVolume("other", MIB));
        assertRefused(() -> reader.resizeVolume("vm", 2 * MIB));
        assertRefused(() -> reader.deleteVolume("vm"));
        assertRefused(() -> reader.createSnapshots(List.of("vm"), null, Map.of()));
        assertRefused(() -> reader.deleteSnapshots(List.of(one)));
        assertRefused(() -> reader.hold(one, "tag"));
        assertRefused(() -> reader.release(one, "tag"));
        assertRefused(() -> reader.rename(one, "two"));
        assertRefused(() -> reader.setPolicy("vm", "x"));
        assertRefused(() -> reader.setAttribute("vm", "x", new byte[1]));
        assertRefused(() -> reader.cloneVolume(spec, "other"));
        assertRefused(() -> reader.rollback(spec));
        assertRefused(() -> reader.flatten("vm"));
        try (Export export = reader.exports().open("vm")) {
            assertThat(export.readOnly()).isTrue();
            assertRefused(() -> export.write(0, new UnsafeBuffer(new byte[1]), 0, 1, false));
            assertRefused(() -> export.zero(0, 1, false, false));
            assertRefused(() -> export.trim(0, 4096, false));
            export.flush();
        }
        assertThat(reader.reclaimStep()).isFalse();
    }

    private static void assertRefused(final Runnable change) {
        assertThatThrownBy(change::run).isInstanceOf(ReadOnlyException.class);
    }

    @Test
    void keepsReadingASnapshotWhileItsBlocksMoveToTheHistoryAndOthersAreReused() {
        try (Export export = reader.exports().open("vm@one")) {
            for (int round = 0; round < 40; round++) {
                write((char) ('b' + round % 20));
                writer.createSnapshots(List.of("vm"), "r" + round, Map.of());
                if (round > 2) {
                    writer.deleteSnapshots(List.of(writer.snapshot(Spec.parse("vm@r" + (round - 2), ZoneOffset.UTC))));
                }
                while (writer.reclaimStep()) {
                    // Until nothing is left to do: so that blocks are reused.
                }
                assertThat(read(export)).as("round " + round).isEqualTo(filled('a'));
            }
        }
    }

    @Test
    void saysThatTheWriterDeletedWhatItReads() {
        try (Export export = reader.exports().open("vm@one")) {
            assertThat(read(export)).isEqualTo(filled('a'));
            write('b');
            writer.deleteSnapshots(writer.snapshots("vm"));
            while (writer.reclaimStep()) {
                // Until nothing is left to do.
            }
            for (int round = 0; round < 5; round++) {
                write('c');
                writer.store().commit();
            }

            assertThatThrownBy(() -> read(export))
                    .isInstanceOf(NoSuchException.class)
                    .hasMessageContaining("vm@one");
        }
    }

    @Test
    void saysSoAlsoWhileACloneStillTakesItsVersionsOver() {
        try (Export export = writer.exports().open("vm")) { // More extents than one step takes over.
            for (int at = 0; at < MIB; at += 2 * 4096) {
                export.write(at, new UnsafeBuffer(filled('a')), 0, 4096, false);
            }
        }
        writer.createSnapshots(List.of("vm"), "two", Map.of());
        writer.cloneVolume(Spec.parse("vm@two", ZoneOffset.UTC), "clone");
        reader.refresh();
        try (Export export = reader.exports().open("vm@two")) {
            writer.deleteVolume("vm");
            int refusals = 0;
            while (writer.reclaimStep()) {
                writer.store().commit();
                reader.refresh();
                try {
                    assertThat(read(export)).isEqualTo(filled('a'));
                } catch (final NoSuchException ex) {
                    assertThat(ex).hasMessageContaining("vm@two");
                    refusals++;
                }
            }
            assertThat(refusals).isGreaterThan(1);
        }
    }

    @Test
    void seesWhatTheWriterCommittedOnceItIsRefreshed() {
        try (Export export = reader.exports().open("vm")) {
            writer.createSnapshots(List.of("vm"), "two", Map.of());
            writer.resizeVolume("vm", 2 * MIB);
            write('z');
            writer.store().commit();

            assertThat(reader.refresh()).isTrue();

            assertThat(reader.refresh()).isFalse();
            assertThat(export.size()).isEqualTo(2 * MIB);
            assertThat(read(export)).isEqualTo(filled('z'));
            assertThat(reader.snapshots("vm")).extracting(Snapshot::name).containsExactly("one", "two");
            assertThat(reader.snapshots("vm").get(1).diedBytes()).isEqualTo(MIB);
            assertThat(reader.volume("vm").mappedBytes()).isEqualTo(MIB);
        }
    }

    private void write(final char c) {
        try (Export export = writer.exports().open("vm")) {
            export.write(0, new UnsafeBuffer(filled(c)), 0, MIB, false);
        }
    }

    private static byte[] read(final Export export) {
        final byte[] bytes = new byte[MIB];
        export.read(0, new UnsafeBuffer(bytes), 0, MIB);
        return bytes;
    }

    private static byte[] filled(final char c) {
        final byte[] bytes = new byte[MIB];
        Arrays.fill(bytes, (byte) c);
        return bytes;
    }
}
