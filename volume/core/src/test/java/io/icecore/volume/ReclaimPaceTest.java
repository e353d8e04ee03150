package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReclaimPaceTest {
    private static final int CHUNK = 4096;

    private final MemoryDevice device = new MemoryDevice(64 << 20);
    private final UnsafeBuffer chunks = new UnsafeBuffer(new byte[200 * CHUNK]);
    private long nanos = 1_000_000_000;
    private int entriesAsked;
    private int nodesAsked;
    private Catalog catalog;
    private Reclaimer reclaimer;
    private ReclaimPace pace;

    @BeforeEach
    void open() {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        reclaimer = new Reclaimer(catalog.parts());
        pace = new ReclaimPace(
                catalog.parts(),
                reclaimer,
                (entries, nodes) -> {
                    entriesAsked = entries;
                    nodesAsked = nodes;
                    nanos += 1_000_000;
                    return reclaimer.step(entries, nodes);
                },
                () -> false,
                () -> nanos);
        catalog.createVolume("vm", 64 << 20);
        write(0, 4000);
    }

    @AfterEach
    void close() {
        catalog.close();
    }

    private void write(final int chunk, final int count) {
        try (Export export = catalog.exports().open("vm")) {
            for (int done = 0; done < count; done += 200) {
                export.write((long) (chunk + done) * CHUNK, chunks, 0, Math.min(200, count - done) * CHUNK, false);
            }
        }
    }

    /** Leaves so many chunks that only deleted snapshots saw. */
    private void thin(final int count) {
        catalog.createSnapshots(List.of("vm"), "s", Map.of());
        write(0, count);
        catalog.createSnapshots(List.of("vm"), "t", Map.of());
        catalog.thinSnapshots(List.of(catalog.snapshots("vm").get(0)));
        catalog.deleteSnapshots(List.of(catalog.snapshots("vm").get(0)));
    }

    @Test
    void hasNothingToDo() {
        assertThat(pace.step()).isEqualTo(1000);
        assertThat(entriesAsked).isZero();
    }

    @Test
    void waitsUntilABatchIsWorthIt() {
        thin(150);
        assertThat(pace.step()).isEqualTo(200);
        assertThat(entriesAsked).as("4,000 chunks in use: a slack of some 200").isZero();
        assertThat(pace.status().running()).isFalse();
        assertThat(pace.status().pendingBytes()).isEqualTo(150 * CHUNK);

        thin(100);
        pace.step();
        assertThat(entriesAsked).isPositive();
        runToTheEnd();
        assertThat(pace.status().pendingBytes()).isZero();
    }

    private void runToTheEnd() {
        for (int i = 0; i < 1000 && pace.step() < 200; i++) {
            assertThat(pace.status().running() || pace.status().records() == 0).isTrue();
        }
        assertThat(pace.status().records()).isZero();
    }

    @Test
    void beginsWhenSomebodyIsInAHurryOrAfterTenMinutes() {
        thin(50);
        pace.step();
        assertThat(entriesAsked).isZero();
        pace.hurry();
        pace.step();
        assertThat(entriesAsked).isPositive();
        runToTheEnd();

        entriesAsked = 0;
        thin(50);
        pace.step();
        assertThat(entriesAsked).isZero();
        nanos += 601_000_000_000L;
        pace.step();
        assertThat(entriesAsked).isPositive();
    }

    @Test
    void hasLittlePatienceWhenSpaceIsShort() {
        write(4000, 10_000);
        assertThat(catalog.freeBytes()).isBetween(100L * CHUNK, 4000L * CHUNK);
        thin(20);
        pace.step();
        assertThat(entriesAsked).isZero();
        write(14_000, (int) (catalog.freeBytes() / CHUNK) - 20);
        pace.step();
        assertThat(entriesAsked).isPositive();
    }

    @Test
    void yieldsToClientsThatAreAtWork() {
        thin(250);
        pace.hurry();
        write(0, 1);
        final long pause = pace.step();
        assertThat(entriesAsked).isEqualTo(64);
        assertThat(nodesAsked).as("in a commit of theirs").isEqualTo(8);
        assertThat(pause)
                .as("a fifth of the time, and the step took one millisecond")
                .isEqualTo(4);
        assertThat(pace.step()).as("clients are idle").isZero();
        assertThat(entriesAsked).isEqualTo(Reclaimer.ENTRIES_PER_STEP);
    }

    @Test
    void leavesMostCommitsOfAClientThatFlushesAlone() {
        assertThat(stepsBesideRequests(480, 200)).as("one in forty").isEqualTo(200 / 40);
    }

    @Test
    void hasLessPatienceWhenABacklogHasGathered() {
        assertThat(stepsBesideRequests(900, 60)).as("one in twenty").isEqualTo(60 / 20);
    }

    @Test
    void waitsForNoRequestsWhenItIsFarBehind() {
        assertThat(stepsBesideRequests(2000, 4)).as("pauses alone").isEqualTo(4);
    }

    /** With a slack of 220 to 300 entries. The first step takes 64. */
    private int stepsBesideRequests(final int entries, final int requests) {
        deleteManyEntries(entries);
        pace.step();
        int steps = 0;
        for (int request = 0; request < requests; request++) {
            catalog.parts().requested();
            entriesAsked = 0;
            nanos += 200_000;
            final long pause = pace.step();
            steps += entriesAsked > 0 ? 1 : 0;
            assertThat(entriesAsked > 0).as("pause %d", pause).isNotEqualTo(pause == 2);
            catalog.parts().answered();
        }
        return steps;
    }

    @Test
    void goesOnBesideAClientThatSeldomAsks() {
        deleteManyEntries(480);
        pace.step();
        catalog.parts().requested();
        entriesAsked = 0;
        assertThat(pace.step()).isEqualTo(2);
        assertThat(entriesAsked).isZero();
        nanos += 100_000_000;
        pace.step();
        assertThat(entriesAsked).isEqualTo(64);
    }

    @Test
    void yieldsToAClientThatWaitsForItsAnswer() {
        deleteManyEntries(2000);
        pace.step();
        catalog.parts().requested();
        nanos += 100_000_000;
        pace.step();
        nanos += 100_000_000;
        pace.step();
        assertThat(entriesAsked).as("it may be the deletion that it waits for").isEqualTo(64);
        catalog.parts().answered();
        pace.step();
        assertThat(entriesAsked).isEqualTo(Reclaimer.ENTRIES_PER_STEP);
    }

    private void deleteManyEntries(final int count) {
        catalog.createSnapshots(List.of("vm"), "s", Map.of());
        for (int chunk = 0; chunk < 2 * count; chunk += 2) {
            write(chunk, 1); // One entry each.
        }
        catalog.deleteSnapshots(catalog.snapshots("vm"));
        pace.hurry();
    }

    @Test
    void tellsItsRateAndWhenItWillBeDone() {
        deleteManyEntries(2000);
        pace.step();
        assertThat(pace.status().running()).isTrue();
        assertThat(pace.status().secondsLeft()).isEqualTo(-1);
        for (int i = 0; i < 2; i++) {
            nanos += 600_000_000;
            pace.step();
        }
        final ReclaimStatus status = pace.status();
        assertThat(status.bytesPerSecond()).isPositive();
        assertThat(status.secondsLeft()).isEqualTo(status.pendingBytes() / status.bytesPerSecond());
        assertThat(status.batchBytes()).isPositive().isEqualTo(status.reclaimedBytes());
    }
}
