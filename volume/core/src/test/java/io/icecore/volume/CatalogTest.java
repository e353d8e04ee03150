package io.icecore.volume;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.tree.TreeEntry;
import java.nio.ByteOrder;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CatalogTest {
    private static final long MIB = 1 << 20;

    /** A clock that the test moves. */
    private static final class TestClock extends Clock {
        private Instant now = Instant.parse("2026-11-23T10:05:00Z");

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(final ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }

    private final TestClock clock = new TestClock();
    private final MemoryDevice device = new MemoryDevice(64 << 20);
    private Catalog catalog;

    @BeforeEach
    void openCatalog() {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), clock);
    }

    @AfterEach
    void closeCatalog() {
        catalog.close();
    }

    /** Found by a power loss at random: with nothing to reclaim, nobody looked again before the store was reopened. */
    @Test
    void mergesABranchThatOnlyOneOtherStandsOnThoughTheDeletionFreesNothing() {
        catalog.createVolume("vm1", 16 * MIB);
        write("vm1", 0, filled(4096, 'a'));
        catalog.createSnapshots(List.of("vm1"), "base", Map.of());
        final Snapshot before = catalog.rollback(spec("vm1@base"));
        catalog.deleteSnapshots(List.of(before));
        reclaimAll();

        catalog.deleteSnapshots(List.of(catalog.snapshot(spec("vm1@base"))));
        reclaimAll();

        Ownership.of(catalog).checkNothingIsSuperfluous();
        assertThat(read("vm1", 0, 4096)).isEqualTo(filled(4096, 'a'));
    }

    private void reclaimAll() {
        while (catalog.reclaimStep()) {
            assertThat(catalog.store().info().health()).isEqualTo("ok");
        }
        catalog.store().commit();
    }

    @Test
    void readsWhatWasWrittenAndWhatASnapshotSaw() {
        catalog.createVolume("vm1", 16 * MIB);
        write("vm1", 10_000, filled(9_000, 'a'));
        final List<Snapshot> taken = catalog.createSnapshots(List.of("vm1"), "first", Map.of());
        write("vm1", 12_000, filled(100, 'b'));

        assertThat(read("vm1", 9_999, 9_002)[0]).isZero();
        assertThat(read("vm1", 12_050, 1)[0]).isEqualTo((byte) 'b');
        assertThat(read("vm1", 12_100, 1)[0]).isEqualTo((byte) 'a');
        assertThat(read("vm1@first", 10_000, 9_000)).isEqualTo(filled(9_000, 'a'));
        assertThat(taken).singleElement().satisfies(snapshot -> {
            assertThat(snapshot.spec()).isEqualTo("vm1@first");
            assertThat(snapshot.writtenBytes()).isEqualTo(3 * 4096);
            assertThat(snapshot.sizeBytes()).isEqualTo(16 * MIB);
        });
        assertThat(catalog.snapshots("vm1").get(0).diedBytes()).isEqualTo(4096);
    }

    @Test
    void zeroesAndTrimsPartsOfChunks() {
        catalog.createVolume("vm1", MIB);
        write("vm1", 0, filled(65536, 'x'));
        try (Export export = catalog.exports().open("vm1")) {
            export.zero(100, 10_000, false, true);
            export.trim(20_000, 20_000, false);
            final byte[] expected = filled(65536, 'x');
            Arrays.fill(expected, 100, 10_100, (byte) 0);
            Arrays.fill(expected, 20_480, 36_864, (byte) 0);
            assertThat(read("vm1", 0, 65536)).isEqualTo(expected);

            final List<String> ranges = new ArrayList<>();
            export.extents(4000, 40_000, (offset, length, zero) -> ranges.add(offset + "+" + length + " " + zero));
            assertThat(ranges)
                    .containsExactly(
                            "4000+96 false",
                            "4096+4096 true",
                            "8192+12288 false",
                            "20480+16384 true",
                            "36864+7136 false");
        }
        assertThat(catalog.volume("vm1").mappedBytes()).isEqualTo(65536 - 5 * 4096);
    }

    @Test
    void findsSnapshotsByNameAndByTime() {
        catalog.createVolume("vm1", MIB);
        assertThatThrownBy(() -> catalog.exports().open("vm1@latest")).isInstanceOf(NoSuchException.class);
        for (int i = 0; i < 4; i++) {
            catalog.createSnapshots(List.of("vm1"), null, Map.of("rolling", "true"));
            clock.now = clock.now.plus(Duration.ofMinutes(5));
        }
        catalog.createSnapshots(List.of("vm1"), "last", Map.of());
        catalog.createSnapshots(List.of("vm1"), null, Map.of());

        assertThat(catalog.snapshots("vm1"))
                .extracting(Snapshot::name)
                .containsExactly(
                        "2026-11-23T10-05-00",
                        "2026-11-23T10-10-00",
                        "2026-11-23T10-15-00",
                        "2026-11-23T10-20-00",
                        "last",
                        "2026-11-23T10-25-00");
        final Spec ago = new Spec("vm1", Spec.Kind.AGO, null, Duration.ofMinutes(12), null, null, null);
        final Spec name = new Spec("vm1", Spec.Kind.NAME, "last", null, null, null, null);
        final Spec never = new Spec("vm1", Spec.Kind.TIME, null, null, Instant.EPOCH, null, null);
        assertThat(catalog.snapshot(ago).name()).isEqualTo("2026-11-23T10-10-00");
        assertThat(catalog.snapshots(new Spec("vm1", Spec.Kind.RANGE, null, null, null, ago, name)))
                .hasSize(4);
        assertThatThrownBy(() -> catalog.snapshot(never)).isInstanceOf(NoSuchException.class);
        assertThat(catalog.exports().names(2)).containsExactly("vm1", "vm1@2026-11-23T10-25-00", "vm1@last");
    }

    @Test
    void snapshotsSeveralVolumesAtOnceOrNone() {
        catalog.createVolume("a", MIB);
        catalog.createVolume("b", MIB);
        catalog.createSnapshots(List.of("b"), "both", Map.of());

        assertThatThrownBy(() -> catalog.createSnapshots(List.of("a", "b"), "both", Map.of()))
                .isInstanceOf(BusyException.class)
                .hasMessageContaining("b@both");

        assertThat(catalog.snapshots("a")).isEmpty();
        assertThat(catalog.createSnapshots(List.of("a", "b"), "again", Map.of()))
                .hasSize(2);
    }

    @Test
    void holdsRenamesAndReleases() {
        catalog.createVolume("vm1", MIB);
        Snapshot snapshot =
                catalog.createSnapshots(List.of("vm1"), "one", Map.of()).get(0);
        catalog.rename(snapshot, "two");
        catalog.hold(snapshot, "backup");
        snapshot = catalog.snapshots("vm1").get(0);

        assertThat(snapshot.name()).isEqualTo("two");
        assertThat(snapshot.holds()).containsExactly("backup");
        final Snapshot held = snapshot;
        assertThatThrownBy(() -> catalog.hold(held, "backup")).isInstanceOf(BusyException.class);
        catalog.release(held, "backup");
        assertThatThrownBy(() -> catalog.release(held, "backup")).isInstanceOf(NoSuchException.class);
        assertThat(catalog.snapshots("vm1").get(0).holds()).isEmpty();
    }

    @Test
    void aListSharesTheLabelsOfSnapshotsThatHaveTheSame() {
        catalog.createVolume("vm1", MIB);
        for (final String who : List.of("ann", "ann", "bob", "ann")) {
            catalog.createSnapshots(List.of("vm1"), null, Map.of("by", who, "why", "test"));
        }

        final List<Snapshot> listed = catalog.snapshots("vm1");

        assertThat(listed)
                .extracting(snapshot -> snapshot.labels().get("by"))
                .containsExactly("ann", "ann", "bob", "ann");
        assertThat(listed.get(1).labels()).isSameAs(listed.get(0).labels());
    }

    @Test
    void keepsPoliciesAndAttributes() {
        catalog.createVolume("vm1", MIB);
        catalog.setPolicy("vm1", "every 5m");
        catalog.setAttribute("vm1", "reservations", "one".getBytes(UTF_8));
        catalog.setAttribute("vm1", "other", new byte[1024]);
        catalog.setAttribute("vm1", "reservations", "two".getBytes(UTF_8));

        assertThat(catalog.policy("vm1")).contains("every 5m");
        assertThat(catalog.attribute("vm1", "reservations")).contains("two".getBytes(UTF_8));
        assertThat(catalog.attribute("vm1", "other").orElseThrow()).hasSize(1024);
        catalog.setAttribute("vm1", "reservations", null);
        catalog.setPolicy("vm1", null);
        assertThat(catalog.attribute("vm1", "reservations")).isEmpty();
        assertThat(catalog.attribute("vm1", "other")).isPresent();
        assertThat(catalog.policy("vm1")).isEmpty();
    }

    @Test
    void keepsAttributesThatAreTooLongForOneEntry() {
        catalog.createVolume("vm1", MIB);
        final byte[] large = new byte[64 << 10];
        new Random(1).nextBytes(large);
        catalog.setAttribute("vm1", "a", "one".getBytes(UTF_8));
        catalog.setAttribute("vm1", "large", large);
        catalog.setAttribute("vm1", "b", "two".getBytes(UTF_8));
        assertThat(catalog.attribute("vm1", "large")).contains(large);

        catalog.setAttribute("vm1", "a", Arrays.copyOf(large, 3000)); // Its parts stand between those of the others.
        catalog.setAttribute("vm1", "large", Arrays.copyOf(large, 1025));
        assertThat(catalog.attribute("vm1", "a")).contains(Arrays.copyOf(large, 3000));
        assertThat(catalog.attribute("vm1", "large")).contains(Arrays.copyOf(large, 1025));
        assertThat(catalog.attribute("vm1", "b")).contains("two".getBytes(UTF_8));

        catalog.setAttribute("vm1", "large", new byte[0]);
        assertThat(catalog.attribute("vm1", "large")).contains(new byte[0]);
        assertThatThrownBy(() -> catalog.setAttribute("vm1", "large", new byte[(64 << 10) + 1]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(catalog.attribute("vm1", "large")).contains(new byte[0]);
    }

    @Test
    void aVolumeKeepsItsIdentityThroughARollback() {
        catalog.createVolume("vm1", MIB);
        final Snapshot snapshot =
                catalog.createSnapshots(List.of("vm1"), "s", Map.of()).get(0);
        final String before = idOf("vm1");
        final String ofSnapshot = idOf("vm1@s");

        catalog.rollback(Spec.parse("vm1@s", ZoneOffset.UTC));
        catalog.cloneVolume(Spec.parse("vm1@s", ZoneOffset.UTC), "vm2");

        assertThat(idOf("vm1")).isEqualTo(before).isNotEqualTo(ofSnapshot);
        assertThat(idOf(snapshot.spec())).isEqualTo(ofSnapshot);
        assertThat(idOf("vm2")).isNotIn(before, ofSnapshot);
    }

    private String idOf(final String spec) {
        try (Export export = catalog.exports().open(spec)) {
            return export.id();
        }
    }

    @Test
    void refusesWhatBreaksARule() {
        catalog.createVolume("vm1", MIB);
        assertThatThrownBy(() -> catalog.createVolume("vm1", MIB)).isInstanceOf(BusyException.class);
        assertThatThrownBy(() -> catalog.createVolume("-vm", MIB)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> catalog.createVolume("vm2", 4097)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> catalog.volume("vm2")).isInstanceOf(NoSuchException.class);
        assertThatThrownBy(() -> catalog.createSnapshots(List.of("vm1"), "latest", Map.of()))
                .isInstanceOf(IllegalArgumentException.class);
        try (Export export = catalog.exports().open("vm1")) {
            assertThatThrownBy(() -> export.read(MIB - 1, new UnsafeBuffer(new byte[2]), 0, 2))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        catalog.createSnapshots(List.of("vm1"), "one", Map.of());
        try (Export export = catalog.exports().open("vm1@one")) {
            assertThat(export.readOnly()).isTrue();
            assertThatThrownBy(() -> export.trim(0, 4096, false)).isInstanceOf(ReadOnlyException.class);
        }
    }

    @Test
    void showsZeroesWhereAVolumeShrankAndGrewAgain() {
        catalog.createVolume("vm1", MIB);
        write("vm1", 0, filled((int) MIB, 'x'));
        catalog.createSnapshots(List.of("vm1"), "full", Map.of());
        catalog.resizeVolume("vm1", 512 << 10);
        catalog.resizeVolume("vm1", 2 * MIB);

        final byte[] expected = new byte[(int) (2 * MIB)];
        Arrays.fill(expected, 0, 512 << 10, (byte) 'x');
        assertThat(read("vm1", 0, (int) (2 * MIB))).isEqualTo(expected);
        assertThat(read("vm1@full", 0, (int) MIB)).isEqualTo(filled((int) MIB, 'x'));
    }

    @Test
    void reportsExactlyWhatChangedBetweenTwoSnapshots() {
        final long far = 700L << 30;
        catalog.createVolume("vm1", 1L << 40);
        write("vm1", 0, filled(8192, 'a'));
        catalog.createSnapshots(List.of("vm1"), "one", Map.of());
        write("vm1", 4096, filled(100, 'b'));
        write("vm1", far, filled(8192, 'b'));
        catalog.createSnapshots(List.of("vm1"), "two", Map.of());
        write("vm1", 65_536, filled(4096, 'c'));
        catalog.createSnapshots(List.of("vm1"), "three", Map.of());
        write("vm1", far + 8192, filled(4096, 'd'));

        assertThat(changes("vm1@one", "vm1@two")).containsExactly("4096+4096", far + "+8192");
        assertThat(changes("vm1@three", "vm1@two")).containsExactly("65536+4096");
        assertThat(changes("vm1@two", "vm1")).containsExactly("65536+4096", far + 8192 + "+4096");
        assertThat(changes("vm1@two", "vm1@two")).isEmpty();
        catalog.deleteSnapshots(List.of(catalog.snapshot(spec("vm1@two"))));
        assertThat(changes("vm1@one", "vm1@three")).containsExactly("4096+4096", "65536+4096", far + "+8192");

        catalog.cloneVolume(spec("vm1@one"), "clone");
        write("clone", 8192, filled(4096, 'e'));
        assertThat(changes("clone", "vm1@one")).containsExactly("8192+4096");
        assertThat(changes("clone", "vm1@three")).containsExactly("4096+8192", "65536+4096", far + "+8192");
        catalog.createVolume("other", MIB);
        assertThat(catalog.changes(spec("clone"), spec("other"), (offset, length) -> true))
                .isFalse();
    }

    private List<String> changes(final String one, final String other) {
        final List<String> ranges = new ArrayList<>();
        assertThat(catalog.changes(spec(one), spec(other), (offset, length) -> ranges.add(offset + "+" + length)))
                .isTrue();
        return ranges;
    }

    private static Spec spec(final String text) {
        return Spec.parse(text, ZoneOffset.UTC);
    }

    @Test
    void rollsBackAndForthWithoutLosingASnapshot() {
        catalog.createVolume("vm1", MIB);
        write("vm1", 0, filled(8192, 'a'));
        catalog.createSnapshots(List.of("vm1"), "one", Map.of());
        write("vm1", 0, filled(4096, 'b'));
        catalog.resizeVolume("vm1", 2 * MIB);

        try (Export export = catalog.exports().open("vm1")) {
            assertThatThrownBy(() -> catalog.rollback(spec("vm1@one"))).isInstanceOf(BusyException.class);
            assertThat(export.size()).isEqualTo(2 * MIB);
        }
        final Snapshot before = catalog.rollback(spec("vm1@one"));

        assertThat(before.name()).isEqualTo("before-rollback-2026-11-23T10-05-00");
        assertThat(read("vm1", 0, 8192)).isEqualTo(filled(8192, 'a'));
        assertThat(catalog.volume("vm1").sizeBytes()).isEqualTo(MIB);
        catalog.rollback(spec(before.spec()));
        assertThat(read("vm1", 0, 4096)).isEqualTo(filled(4096, 'b'));
        assertThat(catalog.volume("vm1").sizeBytes()).isEqualTo(2 * MIB);
        assertThat(catalog.volume("vm1").parent()).isNull();
        assertThat(catalog.snapshots("vm1"))
                .extracting(Snapshot::name)
                .containsExactly("one", "before-rollback-2026-11-23T10-05-00", "before-rollback-2026-11-23T10-05-00-2");
    }

    @Test
    void keepsWhatACloneNeedsWhenItsOriginIsDeleted() {
        catalog.createVolume("vm1", MIB);
        write("vm1", 0, filled(65_536, 'a'));
        catalog.createSnapshots(List.of("vm1"), "one", Map.of());
        assertThat(catalog.cloneVolume(spec("vm1@one"), "clone").parent()).isEqualTo("vm1@one");
        write("clone", 0, filled(4096, 'b'));
        write("vm1", 0, filled(65_536, 'c'));

        catalog.deleteVolume("vm1");
        assertThat(catalog.volumes()).hasSize(1);
        catalog.createVolume("vm1", MIB);
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }

        assertThat(catalog.volume("clone").parent()).isNull();
        assertThat(catalog.volume("clone").mappedBytes()).isEqualTo(65_536);
        assertThat(read("clone", 4096, 61_440)).isEqualTo(filled(61_440, 'a'));
        assertThat(Ownership.of(catalog).blocks()).isEqualTo(16);
    }

    @Test
    void refusesToDeleteWhatIsHeldOrInUse() {
        catalog.createVolume("vm1", MIB);
        final Snapshot one =
                catalog.createSnapshots(List.of("vm1"), "one", Map.of()).get(0);
        final Snapshot two =
                catalog.createSnapshots(List.of("vm1"), "two", Map.of()).get(0);
        catalog.hold(two, "backup");
        assertThatThrownBy(() -> catalog.deleteSnapshots(List.of(one, two)))
                .isInstanceOf(BusyException.class)
                .hasMessageContaining("backup");
        assertThatThrownBy(() -> catalog.deleteVolume("vm1")).isInstanceOf(BusyException.class);
        assertThat(catalog.snapshots("vm1")).hasSize(2);
        catalog.release(two, "backup");

        final Export export = catalog.exports().open("vm1@one");
        assertThatThrownBy(() -> catalog.deleteSnapshots(List.of(one))).isInstanceOf(BusyException.class);
        assertThatThrownBy(() -> catalog.deleteVolume("vm1")).isInstanceOf(BusyException.class);
        export.close();
        export.close();
        assertThatThrownBy(export::flush).isInstanceOf(IllegalStateException.class);
        catalog.deleteSnapshots(List.of(one));
        assertThatThrownBy(() -> catalog.deleteSnapshots(List.of(one))).isInstanceOf(NoSuchException.class);
        catalog.deleteVolume("vm1");
        assertThat(catalog.volumes()).isEmpty();
    }

    @Test
    void leavesNothingBehindWhenTheStoreIsFull() {
        catalog.createVolume("vm1", 1L << 30);
        assertThatThrownBy(() -> write("vm1", 0, filled(80 << 20, 'x'))).isInstanceOf(NoSpaceException.class);
        assertThat(catalog.volume("vm1").mappedBytes() / 4096)
                .isEqualTo(Ownership.of(catalog).blocks());
        catalog.store().commit();
        Ownership.of(catalog).checkAllocated(catalog);
    }

    @Test
    void reportsDamageAndReadsOn() {
        catalog.createVolume("vm1", MIB);
        write("vm1", 0, filled((int) MIB, 'x'));
        final long[] first = {0};
        final TreeEntry entry = new TreeEntry();
        assertThat(catalog.store().head().ceiling(0, 0, entry)).isTrue();
        first[0] = entry.value.getInt(5, ByteOrder.LITTLE_ENDIAN) & 0xFFFF_FFFFL;
        device.damage(first[0] * 4096 + 3 * 4096 + 17);

        assertThatThrownBy(() -> read("vm1", 12_288, 1))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("chunk 3 of vm1, block " + (first[0] + 3))
                .hasMessageContaining("expected");
        assertThat(read("vm1", 0, 12_288)).isEqualTo(filled(12_288, 'x'));
    }

    private void write(final String volume, final long offset, final byte[] bytes) {
        try (Export export = catalog.exports().open(volume)) {
            export.write(offset, new UnsafeBuffer(bytes), 0, bytes.length, false);
        }
    }

    private byte[] read(final String spec, final long offset, final int length) {
        final byte[] bytes = new byte[length];
        try (Export export = catalog.exports().open(spec)) {
            export.read(offset, new UnsafeBuffer(bytes), 0, length);
        }
        return bytes;
    }

    private static byte[] filled(final int length, final char c) {
        final byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) c);
        return bytes;
    }
}
