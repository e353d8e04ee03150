package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.icecore.recovery.check.EveryStructure.Detected;
import io.icecore.store.sim.SimBlockDevice;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.LongStream;

/**
 * Flips bits of {@link EveryStructure}, one at a time, and looks what becomes of it. After each: the store opens, and every
 * byte of every head and snapshot is what was written, or an error names what is damaged; check finds it if and only if
 * it is in a structure of the newest commit; it ends; and it takes no more memory than the sound store, but for a little.
 */
final class BitFlips {
    /** To the store these are bytes and no more, one like the other. */
    static final Set<String> ALL_ALIKE =
            Set.of(EveryStructure.HEAD_DATA, EveryStructure.HISTORY_DATA, "freed block", "block never written");

    private static final long MORE_MEMORY_MAX = 1 << 20;
    private static final int LOOKS_WITHOUT_PROGRESS_MAX = 6;

    /** Chooses bits of a structure that has so many blocks; bits are counted through all of them. */
    interface Choice {
        LongStream bits(String structure, long blocks);
    }

    private final EveryStructure store = new EveryStructure();
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final CheckReport whole = new StoreCheck(store.device, CheckProgress.NONE).run();
    private final long memoryMax;

    /** By structure and outcome. */
    private final Map<String, LongAdder> counts = new ConcurrentSkipListMap<>();

    private final AtomicLong done = new AtomicLong();

    private final int checkedOneIn;

    /** @param checkedOneIn of so many flips one is looked at by check as well */
    BitFlips(final int checkedOneIn) {
        this.checkedOneIn = checkedOneIn;
        assertThat(whole.errors()).isEmpty();
        assertThat(store.blocks.keySet())
                .containsAll(EveryStructure.UNUSED)
                .contains(
                        "superblock",
                        "spill node",
                        "catalogue leaf",
                        "head node",
                        "head leaf",
                        "head leaf, redirected",
                        "recent leaf",
                        "history node",
                        "history leaf",
                        "regions leaf",
                        "space leaf",
                        EveryStructure.HEAD_DATA,
                        EveryStructure.HISTORY_DATA);
        final long before = threads.getCurrentThreadAllocatedBytes();
        assertThat(store.open(store.device.kill())).isNull();
        memoryMax = threads.getCurrentThreadAllocatedBytes() - before + MORE_MEMORY_MAX;
    }

    void everyStructure(final Choice choice) {
        final FutureTask<Void> task = new FutureTask<>(
                () -> store.blocks.entrySet().parallelStream()
                        .forEach(structure -> choice.bits(
                                        structure.getKey(), structure.getValue().size())
                                .parallel()
                                .forEach(bit -> flip(structure.getKey(), structure.getValue(), bit))),
                null);
        final Thread thread = new Thread(task, "bit flips");
        thread.setDaemon(true);
        thread.start();
        await(task);
    }

    /** Fails when nothing gets done any more; how long all of it takes is no matter. */
    private void await(final FutureTask<Void> task) {
        long before = -1;
        for (int looks = 0; looks < LOOKS_WITHOUT_PROGRESS_MAX; looks++) {
            looks = done.get() > before ? 0 : looks;
            before = done.get();
            try {
                task.get(20, TimeUnit.SECONDS);
                return;
            } catch (final TimeoutException ex) {
                continue; // Look whether something was done.
            } catch (final ExecutionException ex) {
                throw new AssertionError(ex.getCause().getMessage(), ex.getCause());
            } catch (final InterruptedException ex) {
                throw new AssertionError(ex);
            }
        }
        throw new AssertionError("hangs after " + done + " flips");
    }

    private void flip(final String structure, final List<Long> blocks, final long bit) {
        final long block = blocks.get((int) (bit / 8 / BLOCK_LENGTH));
        final int offset = (int) (bit / 8 % BLOCK_LENGTH);
        final SimBlockDevice damaged = store.device.kill();
        damaged.flipBit(block * BLOCK_LENGTH + offset, (int) (bit % 8));
        final String where = structure + ", block " + block + ", byte " + offset + ", bit " + bit % 8;
        try {
            final long before = threads.getCurrentThreadAllocatedBytes();
            final Detected detected = store.open(damaged.kill());
            final long memory = threads.getCurrentThreadAllocatedBytes() - before;
            assertThat(memory).as("bytes allocated").isLessThan(memoryMax);
            requireRight(structure, block, detected);
            count(structure, detected == null ? "harmless" : detected.how());
            if (bit % checkedOneIn == 0) {
                check(structure, block, damaged);
            }
        } catch (final RuntimeException | AssertionError ex) {
            throw new AssertionError(where + ": " + ex, ex);
        }
        done.incrementAndGet();
    }

    private static void requireRight(final String structure, final long block, final Detected detected) {
        if (isData(structure)) {
            assertThat(detected).isNotNull();
        }
        if (EveryStructure.UNUSED.contains(structure)) {
            assertThat(detected).isNull();
        }
        if (detected != null) {
            assertThat(detected.message()).matches(message -> names(message, block), "names block " + block);
        }
    }

    private void check(final String structure, final long block, final SimBlockDevice damaged) {
        final CheckReport report = new StoreCheck(damaged, CheckProgress.NONE).run();
        count(structure, report.ok() ? "not found by check" : "found by check");
        if (EveryStructure.UNUSED.contains(structure) || isData(structure)) {
            assertThat(report).isEqualTo(whole);
        } else {
            assertThat(report.errors()).anyMatch(finding -> names(finding.toString(), block));
        }
    }

    /** That check does not read. */
    private static boolean isData(final String structure) {
        return structure.equals(EveryStructure.HEAD_DATA) || structure.equals(EveryStructure.HISTORY_DATA);
    }

    private static boolean names(final String message, final long block) {
        return message.matches("(?s).*\\b(" + block + "|" + block * BLOCK_LENGTH + ")\\b.*");
    }

    private void count(final String structure, final String outcome) {
        counts.computeIfAbsent(structure + " | " + outcome, key -> new LongAdder())
                .increment();
    }

    /** How many flips had which outcome, by structure. */
    String table() {
        final StringBuilder table = new StringBuilder("| structure | outcome | flips |\n|---|---|---|\n");
        new TreeMap<>(counts).forEach((key, count) -> table.append("| " + key + " | " + count + " |\n"));
        return table + "" + done + " flips\n";
    }
}
