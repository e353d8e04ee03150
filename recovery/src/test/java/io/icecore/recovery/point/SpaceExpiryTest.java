package io.icecore.recovery.point;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.volume.Snapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpaceExpiryTest {
    private static final Instant START = Instant.parse("2026-11-23T10:00:00Z");

    private static Snapshot rolling(final String volume, final int minute, final long diedBytes) {
        return new Snapshot(
                volume,
                1,
                minute,
                "s" + minute,
                START.plusSeconds(60L * minute),
                0,
                0,
                diedBytes,
                Map.of(Snapshot.ROLLING, "true"),
                Set.of());
    }

    private static List<Snapshot> ten(final String volume, final long diedBytes) {
        return new ArrayList<>(IntStream.range(0, 10)
                .mapToObj(minute -> rolling(volume, minute, diedBytes))
                .toList());
    }

    private static List<String> choose(
            final Map<String, List<Snapshot>> snapshots, final int keepLast, final long missingBytes) {
        final Map<String, Integer> kept = Map.of("vm1", keepLast, "vm2", keepLast);
        return SpaceExpiry.choose(snapshots, kept, missingBytes, 100).stream()
                .map(Snapshot::spec)
                .toList();
    }

    @Test
    void takesAsManyOfTheOldestAsMakeUpForWhatIsMissing() {
        assertThat(choose(Map.of("vm1", ten("vm1", 100)), 0, 250)).containsExactly("vm1@s0", "vm1@s1", "vm1@s2");
    }

    @Test
    void takesTheOldestOfAllVolumes() {
        assertThat(choose(Map.of("vm1", ten("vm1", 100), "vm2", ten("vm2", 100).subList(0, 2)), 0, 300))
                .containsExactly("vm1@s0", "vm2@s0", "vm1@s1");
    }

    @Test
    void leavesTheNewestAndAtLeastOne() {
        assertThat(choose(Map.of("vm1", ten("vm1", 0)), 7, Long.MAX_VALUE))
                .containsExactly("vm1@s0", "vm1@s1", "vm1@s2");
        assertThat(choose(Map.of("vm1", ten("vm1", 0)), 0, Long.MAX_VALUE))
                .hasSize(9)
                .doesNotContain("vm1@s9");
        assertThat(choose(Map.of("vm1", ten("vm1", 0).subList(9, 10)), 0, 1)).isEmpty();
    }

    @Test
    void leavesThoseThatAreHeldOrNamedByAPerson() {
        final List<Snapshot> snapshots = ten("vm1", 0);
        snapshots.set(0, Snapshots.held(snapshots.get(0), "tag"));
        snapshots.set(1, Snapshots.byAPerson("vm1", 1, START));

        assertThat(choose(Map.of("vm1", snapshots), 6, Long.MAX_VALUE)).containsExactly("vm1@s2", "vm1@s3");
    }

    @Test
    void takesNoMoreThanABatch() {
        assertThat(SpaceExpiry.choose(Map.of("vm1", ten("vm1", 1)), Map.of("vm1", 0), 1 << 20, 4))
                .hasSize(4);
    }
}
