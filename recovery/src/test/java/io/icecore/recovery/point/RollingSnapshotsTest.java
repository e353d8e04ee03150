package io.icecore.recovery.point;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.StoreException;
import io.icecore.volume.Snapshot;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class RollingSnapshotsTest {
    private static final Duration TICK = Duration.ofSeconds(1);

    private final SimulatedPoints points = new SimulatedPoints();
    private RollingSnapshots timer = new RollingSnapshots(points);

    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final PrintStream standardError = System.err;

    @BeforeEach
    void catchLog() {
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void releaseLog() {
        System.setErr(standardError);
    }

    @Test
    void takesOneAtOnceAndThenAtTheMultiplesOfTheInterval() {
        points.with("vm1", "5m", "24h:all", 0);

        runUntil("2026-11-23T10:16:00Z");

        assertThat(points.times("vm1")).containsExactly(at("10:02:13"), at("10:05:00"), at("10:10:00"), at("10:15:00"));
        assertThat(points.snapshots.get("vm1")).allMatch(Snapshot::rolling);
    }

    @Test
    void doesNothingForVolumesWithoutAPolicy() {
        points.snapshots.put("vm1", new ArrayList<>());

        runUntil("2026-11-23T10:16:00Z");

        assertThat(points.commits).isEmpty();
        assertThat(timer.status()).isEmpty();
    }

    @Test
    void snapshotsVolumesThatAreDueTogetherInOneCommit() {
        points.with("vm1", "5m", "24h:all", 0).with("vm2", "10m", "24h:all", 0).with("vm3", "5m", "24h:all", 0);

        runUntil("2026-11-23T10:12:00Z");

        assertThat(points.commits)
                .containsExactly(List.of("vm1", "vm2", "vm3"), List.of("vm1", "vm3"), List.of("vm1", "vm2", "vm3"));
    }

    @Test
    void goesOnWhereItWasAfterARestart() {
        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:07:00Z");

        timer = new RollingSnapshots(points);
        runUntil("2026-11-23T10:11:00Z");

        assertThat(points.times("vm1")).containsExactly(at("10:02:13"), at("10:05:00"), at("10:10:00"));
    }

    @Test
    void makesUpForDowntimeWithOneSnapshot() {
        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:07:00Z");

        points.now = at("18:31:00");
        timer = new RollingSnapshots(points);
        runUntil("2026-11-23T18:36:00Z");

        assertThat(points.times("vm1")).containsExactly(at("10:02:13"), at("10:05:00"), at("18:31:00"), at("18:35:00"));
    }

    @Test
    void makesUpForAJumpForwardWithOneSnapshot() {
        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:07:00Z");

        points.now = at("18:31:00");
        runUntil("2026-11-23T18:36:00Z");

        assertThat(points.times("vm1")).containsExactly(at("10:02:13"), at("10:05:00"), at("18:31:00"), at("18:35:00"));
    }

    @Test
    void goesByTheNewClockAfterAJumpBackAndDropsNothing() {
        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:11:00Z");

        points.now = at("04:01:00");
        runUntil("2026-11-23T04:11:00Z");

        assertThat(points.times("vm1"))
                .containsExactly(at("10:02:13"), at("10:05:00"), at("10:10:00"), at("04:05:00"), at("04:10:00"));
    }

    @Test
    void goesByTheNewClockWhenItWasSetBackDuringDowntime() {
        points.with("vm1", "5m", "24h:all", 0);
        points.add(Snapshots.rolling("vm1", 1, Instant.parse("2031-01-01T00:00:00Z")));

        runUntil("2026-11-23T10:11:00Z");

        assertThat(points.times("vm1"))
                .containsExactly(Instant.parse("2031-01-01T00:00:00Z"), at("10:05:00"), at("10:10:00"));
    }

    @Test
    void takesNothingTwiceWhenTheClockIsCorrectedByAnInstant() {
        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:05:00.300Z");

        points.now = at("10:04:59.500");
        runUntil("2026-11-23T10:06:00Z");

        assertThat(points.times("vm1")).containsExactly(at("10:02:13"), at("10:05:00"));
    }

    @Test
    void thinsAfterEachSnapshot() {
        points.with("vm1", "5m", "1h:all", 0);
        final Snapshot named = points.add(Snapshots.byAPerson("vm1", 1, at("01:00:00")));
        final Snapshot held = points.add(Snapshots.held(Snapshots.rolling("vm1", 2, at("01:05:00")), "audit"));
        points.add(Snapshots.rolling("vm1", 3, at("01:10:00")));

        runUntil("2026-11-23T13:00:00Z");

        assertThat(points.snapshots.get("vm1")).startsWith(named, held).hasSize(2 + 13);
        assertThat(points.times("vm1").get(2)).isEqualTo(at("11:55:00"));
    }

    @Test
    void thinsVeryManyInBatchesOneATick() {
        points.with("vm1", "5m", "1h:all", 0);
        for (int i = 1; i <= 2500; i++) {
            points.add(Snapshots.rolling("vm1", i, at("01:00:00").plusMillis(i)));
        }

        runUntil("2026-11-23T10:09:59Z"); // So long a list is thinned after the third snapshot only.
        assertThat(points.deletions).isEmpty();
        for (int batches = 0; points.now.isBefore(at("10:11:00")); points.now = points.now.plus(TICK)) {
            timer.tick(points.now);
            assertThat(points.deletions).hasSizeBetween(batches, batches + 1);
            batches = points.deletions.size();
        }

        assertThat(points.deletions).containsExactly(1000, 1000, 500);
        assertThat(points.times("vm1")).containsExactly(at("10:02:13"), at("10:05:00"), at("10:10:00"));
    }

    @Test
    void readsALongListRarely() {
        points.with("vm1", "1s", "24h:all", 0);
        for (int i = 1; i <= 50_000; i++) {
            points.add(Snapshots.rolling("vm1", i, at("10:02:13").minusSeconds(50_001 - i)));
        }
        runFor(Duration.ofSeconds(200));

        assertThat(points.commits).hasSize(200);
        assertThat(points.lists).isLessThan(8);
    }

    @Test
    void skipsSnapshotsInUseAndTriesThemAgainLater() {
        points.with("vm1", "5m", "1h:all", 0);
        for (int i = 1; i <= 20; i++) {
            points.add(Snapshots.rolling("vm1", i, at("01:00:00").plusSeconds(i)));
        }
        points.inUse.addAll(Set.of("vm1@s7", "vm1@s8", "vm1@s20"));

        runUntil("2026-11-23T10:04:00Z");
        assertThat(names()).startsWith("s7", "s8", "s20").hasSize(4);
        assertThat(timer.status().get(0).lastError()).isNull();

        points.inUse.remove("vm1@s8");
        runUntil("2026-11-23T10:06:00Z");
        assertThat(names()).startsWith("s7", "s20").hasSize(4);
    }

    @Test
    void triesAFullStoreOncePerDueTimeAndThinsItMeanwhile() {
        points.with("vm1", "5m", "1h:all", 2);
        points.add(Snapshots.rolling("vm1", 1, at("01:00:00")));
        points.add(Snapshots.rolling("vm1", 2, at("01:05:00")));
        points.add(Snapshots.rolling("vm1", 3, at("01:10:00")));
        points.fillUp();

        runUntil("2026-11-23T10:31:00Z");

        assertThat(names()).containsExactly("s2", "s3");
        assertThat(timer.status())
                .containsExactly(new RollingStatus(
                        "vm1", Duration.ofMinutes(5), at("01:10:00"), at("10:35:00"), "store: full: test"));
        assertThat(warnings()).hasSize(1).first().asString().contains("volume=vm1 error=store: full: test");

        points.failing.clear();
        runUntil("2026-11-23T10:36:00Z");

        assertThat(timer.status())
                .containsExactly(new RollingStatus("vm1", Duration.ofMinutes(5), at("10:35:00"), at("10:40:00"), null));
        assertThat(logged()).contains("rolling snapshots work again: task=take volume=vm1");
    }

    @Test
    void warnsAgainWhenItFailsInAnotherWayOrOnceMore() {
        points.with("vm1", "5m", "1h:all", 2);
        points.fillUp();
        runUntil("2026-11-23T10:31:00Z");
        points.failing.put("vm1", new StoreException("store: failed earlier"));
        runUntil("2026-11-23T11:01:00Z");
        points.failing.clear();
        runUntil("2026-11-23T11:31:00Z");
        points.fillUp();
        runUntil("2026-11-23T12:01:00Z");

        assertThat(warnings()).hasSize(3);
        assertThat(logged()).containsOnlyOnce("work again");
    }

    @Test
    void thinsNothingWhileNoSnapshotCanBeTaken() {
        points.with("vm1", "5m", "1h:all", 0);
        runUntil("2026-11-23T11:00:00Z");
        final List<String> before = names();
        points.failing.put("vm1", new StoreException("device: input/output error"));

        runUntil("2026-11-23T14:00:00Z");

        assertThat(names()).isEqualTo(before);
    }

    @Test
    void letsNoVolumesFailureBeAnothers() {
        points.with("vm1", "5m", "24h:all", 0).with("vm2", "5m", "24h:all", 0).with("vm3", "5m", "24h:all", 0);
        points.failing.put("vm2", new StoreException("damaged"));

        runUntil("2026-11-23T10:06:00Z");

        assertThat(points.times("vm1")).containsExactly(at("10:02:13"), at("10:05:00"));
        assertThat(points.times("vm2")).isEmpty();
        assertThat(points.times("vm3")).containsExactly(at("10:02:13"), at("10:05:00"));
        assertThat(timer.status()).extracting(RollingStatus::lastError).containsExactly(null, "damaged", null);
        assertThat(warnings()).hasSize(1);
    }

    @Test
    void keepsAFailureToThinInStatusAndGoesOnTaking() {
        points.with("vm1", "5m", "1h:all", 0);
        points.add(Snapshots.rolling("vm1", 1, at("01:00:00")));
        points.deletingFails = new StoreException("device: input/output error");

        runUntil("2026-11-23T10:16:00Z");

        assertThat(points.times("vm1")).hasSize(5);
        assertThat(timer.status().get(0).lastError()).isEqualTo("device: input/output error");
        assertThat(warnings()).hasSize(1).first().asString().contains("task=thin");

        points.deletingFails = null;
        runUntil("2026-11-23T10:21:00Z");
        assertThat(points.times("vm1")).hasSize(5).doesNotContain(at("01:00:00"));
        assertThat(timer.status().get(0).lastError()).isNull();
    }

    @Test
    void followsAPolicyThatIsSetChangedAndCleared() {
        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:06:00Z");

        points.with("vm1", "1m", "24h:all", 0);
        runUntil("2026-11-23T10:08:30Z");
        points.policies.clear();
        runUntil("2026-11-23T10:20:00Z");

        assertThat(points.times("vm1"))
                .containsExactly(at("10:02:13"), at("10:05:00"), at("10:06:00"), at("10:07:00"), at("10:08:00"));
        assertThat(timer.status()).isEmpty();
    }

    @Test
    void forgetsAVolumeThatIsDeleted() {
        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:04:00Z");
        points.snapshots.remove("vm1");

        runUntil("2026-11-23T10:11:00Z");

        assertThat(timer.status()).isEmpty();
        assertThat(warnings()).isEmpty();
    }

    @Test
    void showsAPolicyItCannotReadAndTakesNothing() {
        points.with("vm1", "5m", "24h:all", 0).with("vm2", "5m", "24h:all", 0);
        points.policies.put("vm1", "hourly, please");

        runUntil("2026-11-23T10:04:00Z");

        assertThat(points.commits).containsExactly(List.of("vm2"));
        assertThat(timer.status().get(0))
                .isEqualTo(new RollingStatus(
                        "vm1",
                        null,
                        null,
                        null,
                        "policy: hourly, please (expected: such as every=5m keep=24h:all,7d:1h keep-last=12)"));
        assertThat(warnings()).hasSize(1);

        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:04:03Z");
        assertThat(timer.status().get(0).lastError()).isNull();
        assertThat(points.snapshots.get("vm1")).hasSize(1);
    }

    @Test
    void goesOnWithThePoliciesItKnowsWhenTheyCannotBeRead() {
        points.with("vm1", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:04:00Z");
        points.readingFails = new StoreException("device: input/output error");

        runUntil("2026-11-23T10:06:00Z");

        assertThat(points.times("vm1")).contains(at("10:05:00"));
        assertThat(warnings()).hasSize(1);
    }

    @Test
    void readsPoliciesOnceASecond() {
        points.with("vm1", "5m", "24h:all", 0);

        for (int i = 0; i < 60 * 5; i++, points.now = points.now.plusMillis(200)) {
            timer.tick(points.now);
        }

        assertThat(points.reads).isEqualTo(60);
    }

    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void neverRunsTwiceAtOnce() throws InterruptedException {
        final CountDownLatch inside = new CountDownLatch(1);
        final CountDownLatch leave = new CountDownLatch(1);
        points.with("vm1", "5m", "24h:all", 0);
        final RollingSnapshots slow = new RollingSnapshots(new BlockingPoints(points, inside, leave));
        final Thread first = new Thread(() -> slow.tick(points.now));
        first.start();
        inside.await();

        slow.tick(points.now.plusSeconds(1)); // Comes back though the first is still inside.
        assertThat(points.reads).isOne();
        leave.countDown();
        first.join();

        assertThat(points.commits).hasSize(1);
    }

    @Test
    void ticksAgainAfterABugOfOurs() {
        final RollingSnapshots broken = new RollingSnapshots(new BlockingPoints(points, null, null));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> broken.tick(points.now.plusSeconds(points.reads)))
                    .isInstanceOf(AssertionError.class)
                    .hasMessage("bug");
        }
        assertThat(points.reads).isEqualTo(2);
    }

    @Test
    void keepsTheWindowSteadyOverMonths() {
        points.with("vm1", "1h", "24h:all,7d:6h,60d:1d", 3).with("vm2", "2h", "48h:all", 0);
        final Instant end = points.now.plus(Duration.ofDays(90));
        while (points.now.isBefore(end)) {
            timer.tick(points.now);
            points.now = points.now.plusSeconds(1800);
        }

        // 25 of the last 24 h, both ends included; 6 days of 4; 53 of one a day.
        assertThat(points.snapshots.get("vm1")).hasSizeBetween(25 + 24 + 52, 25 + 25 + 54);
        assertThat(points.snapshots.get("vm2")).hasSizeBetween(24, 25);
    }

    private void runFor(final Duration span) {
        runUntil(points.now.plus(span).toString());
    }

    /** Ticks once a second of the simulated clock; the daemon does so more often. */
    private void runUntil(final String end) {
        final Instant until = Instant.parse(end);
        while (points.now.isBefore(until)) {
            timer.tick(points.now);
            points.now = points.now.plus(TICK);
        }
    }

    private List<String> names() {
        return points.snapshots.get("vm1").stream().map(Snapshot::name).toList();
    }

    private String logged() {
        return log.toString(StandardCharsets.UTF_8);
    }

    private List<String> warnings() {
        return logged().lines().filter(line -> line.contains("WARN")).collect(Collectors.toList());
    }

    @Test
    void expiresTheOldestWhenSpaceIsMissingAndSaysWhenNoneAreLeft() {
        points.with("vm1", "5m", "24h:all", 3).with("vm2", "5m", "24h:all", 0);
        runUntil("2026-11-23T10:31:00Z");
        assertThat(points.times("vm1")).hasSize(7);
        points.inUse.add(points.snapshots.get("vm1").get(1).spec());
        points.missingBytes = 1;

        runUntil("2026-11-23T10:33:00Z");

        assertThat(points.times("vm1")).containsExactly(at("10:05:00"), at("10:20:00"), at("10:25:00"), at("10:30:00"));
        assertThat(points.times("vm2")).containsExactly(at("10:30:00"));
        assertThat(points.exhausted).isTrue();
        assertThat(log.toString(StandardCharsets.UTF_8)).contains("expired rolling snapshots to make room");

        points.missingBytes = 0;
        runUntil("2026-11-23T10:34:00Z");
        assertThat(points.exhausted).isFalse();
    }

    private static Instant at(final String time) {
        return Instant.parse("2026-11-23T" + time + "Z");
    }

    /** Stays inside of reading until it may leave; without latches, a catalogue with a bug. */
    private record BlockingPoints(SimulatedPoints points, CountDownLatch inside, CountDownLatch leave)
            implements RecoveryPoints {
        @Override
        public List<String> volumes() {
            final List<String> volumes = points.volumes();
            if (inside == null) {
                throw new AssertionError("bug");
            }
            inside.countDown();
            try {
                leave.await();
            } catch (final InterruptedException ex) {
                throw new AssertionError(ex);
            }
            return volumes;
        }

        @Override
        public Optional<String> policy(final String volume) {
            return points.policy(volume);
        }

        @Override
        public List<Snapshot> snapshots(final String volume) {
            return points.snapshots(volume);
        }

        @Override
        public List<Snapshot> take(final List<String> volumes) {
            return points.take(volumes);
        }

        @Override
        public void delete(final Collection<Snapshot> snapshots) {
            points.delete(snapshots);
        }

        @Override
        public long missingBytes() {
            return points.missingBytes();
        }

        @Override
        public void expiryExhausted(final boolean exhausted) {
            points.expiryExhausted(exhausted);
        }
    }
}
