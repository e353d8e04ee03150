package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import io.icecore.store.sim.mutant.Mutant;
import java.lang.management.ManagementFactory;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Power fails, or the process is killed, at every device operation of random workloads, with different outcomes each; then
 * again during or after opening, and once more. Flushes and writes fail, slots and copies of superblocks are lost, another
 * process reads beside.
 *
 * <p>Checked after each: the store opens; it holds exactly what the last acknowledged commit held, or the one in flight;
 * every block is owned once or free; its generation was never used before; no write ever touches what the two newest
 * durable commits use; and it goes on working. A failure names its crash; {@link #replay()} runs that one alone.
 *
 * <p>The search runs on the program as it is, and with limits so small that what is rare comes at every turn. That it
 * reaches the rare paths is part of what is asserted. How it was tested itself: {@link CommitMutantsTest}.
 */
class CommitCrashTest {
    private static final int SEEDS = Integer.getInteger("crash.seeds", 6);
    private static final int OUTCOMES = Integer.getInteger("crash.outcomes", 1);
    private static final int SEEDS_AT_ONCE = 3;
    private static final String SMALL = "-Dcrash.small=true";

    /** What the search must have met, each of it; the rest of the names tells by whom it is seen. */
    private static final List<String> MUST_BE_SEEN = List.of(
            "killed",
            "power lost",
            "second crash while opening",
            "second crash after opening",
            "superblock copy lost",
            "group of slots lost",
            "opened acknowledged",
            "opened in flight",
            "flush fails",
            "write failed",
            "slot failed",
            "poisoned",
            "closing failed",
            "sealed",
            "grown",
            "no space",
            "pinned blocks released",
            "changed during a flush",
            "changed during a write",
            "read beside the writer",
            "read after a look-up",
            "look-up too old to be read",
            "reader read after a look-up",
            "reader's look-up too old to be read",
            "commit, payload listed",
            "commit, payload flushed first",
            "commit, sealing",
            "commit with spill nodes",
            "commit with many redirects",
            "commit with writes in flight",
            "commit of a full store",
            "commit with many groups of slots",
            "commit with three levels",
            "commit with several leaves of the space tree",
            "node split",
            "root split",
            "nodes merged",
            "inner nodes merged",
            "node emptied",
            "root lowered",
            "root lowered past a redirect",
            "redirect replaced or taken over",
            "level folded",
            "node evicted",
            "nodes written without the lock",
            "space log spilled",
            "space tree folded",
            "space tree entry removed",
            "segment without room passed over",
            "slot replaced",
            "torn commit, parent opened",
            "reader refreshed");

    private static final Mutant AS_IT_IS = probed(new Mutant("as it is"));

    /** Two spill nodes make a fold, four redirects another, and five runs are too many to list. */
    private static final Mutant SMALL_LIMITS = AS_IT_IS.and(smallLimits());

    static Mutant smallLimits() {
        return new Mutant("small limits")
                .in("store.commit.Committer.cut")
                .constant(64, 2)
                .in("store.commit.Committer.cut")
                .constant(256, 4)
                .in("store.tree.Forest.relocate")
                .constant(64, 4)
                .in("store.tree.Forest.fold")
                .constant(32, 2)
                .in("store.log.UncoveredBlocks.runs")
                .constant(3 * 40, 3 * 5)
                .in("store.log.SegmentWriter.write")
                .constant(256, 2)
                .in("store.space.SegmentChoice.activateEmptiest")
                .constant(64, 3);
    }

    private static Mutant probed(final Mutant program) {
        return program.in("store.tree.Tree.insert")
                .count("split", "node split")
                .in("store.tree.Tree.insert")
                .count("insertPointer", "root split")
                .in("store.tree.Tree.mergeAt")
                .count("append", "nodes merged")
                .in("store.tree.Tree.mergeAt")
                .count("key", "inner nodes merged")
                .in("store.tree.Tree.remove")
                .count("unlink", "node emptied")
                .in("store.tree.Tree.lowerRoot")
                .count("withoutRedirect", "root lowered")
                .in("store.tree.Forest.withoutRedirect")
                .count("rename", "root lowered past a redirect")
                .in("store.tree.Forest.takeOverRedirects")
                .count("child", "redirect replaced or taken over")
                .in("store.tree.Forest.relocate")
                .count("fold", "level folded")
                .in("store.commit.Committer.commitNow")
                .count("writeNodes", "nodes written without the lock")
                .in("store.tree.NodeCache.evict")
                .count("turn", "node evicted")
                .in("store.commit.Committer.spillSpaceLog")
                .count("spilled", "space log spilled")
                .in("store.commit.Committer.cut")
                .count("foldSpace", "space tree folded")
                .in("store.commit.SpaceTree.store")
                .count("remove", "space tree entry removed")
                .in("store.space.SegmentChoice.activateEmptiest")
                .count("availableCount", "segment without room passed over")
                .in("store.commit.SuperblockSlots.write")
                .count("leaveAlone", "slot replaced")
                .in("store.commit.Opener.open")
                .count("parentOf", "torn commit, parent opened")
                .in("store.commit.ReadOnlyView.stand")
                .count("load", "reader refreshed");
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Long> search(
            final Mutant program, final long first, final long count, final int outcomes, final Set<Long> distinct) {
        return (Map<String, Long>) program.run(
                CrashSearch.class, "search", program == SMALL_LIMITS ? SMALL : "", first, count, outcomes, distinct);
    }

    @Test
    void recoversACommitFromACrashAtEveryOperation() {
        final Set<Long> distinct = new HashSet<>();
        final Map<String, Long> seen = new TreeMap<>(search(AS_IT_IS, 1, SEEDS, OUTCOMES, distinct));
        search(SMALL_LIMITS, 100, SEEDS, OUTCOMES, distinct)
                .forEach((what, count) -> seen.merge(what, count, Long::sum));

        System.out.println(distinct.size() + " distinct states; " + seen);
        assertThat(seen).containsKeys(MUST_BE_SEEN.toArray(String[]::new));
    }

    /** Until {@code -Dcrash.states=N} different states of the device were opened, with seeds never used before. */
    @Test
    @Tag("nightly")
    void recoversFromAMillionCrashes() {
        final long wanted = Long.getLong("crash.states", 1_000_000);
        final AtomicLong seeds = new AtomicLong(Long.getLong("crash.first", System.nanoTime() & 0xFFFF_FFFFL));
        final Map<String, Long> seen = new ConcurrentHashMap<>();
        final Set<Long> distinct = ConcurrentHashMap.newKeySet();
        final long begin = System.nanoTime();
        IntStream.range(0, Runtime.getRuntime().availableProcessors())
                .parallel()
                .forEach(searcher -> {
                    while (distinct.size() < wanted) {
                        final Mutant program = searcher % 2 == 0 ? AS_IT_IS : SMALL_LIMITS;
                        search(program, seeds.getAndAdd(SEEDS_AT_ONCE), SEEDS_AT_ONCE, 32, distinct)
                                .forEach((what, count) -> seen.merge(what, count, Long::sum));
                        report(distinct.size(), begin);
                    }
                });

        System.out.println(new TreeMap<>(seen));
        assertThat(seen).containsKeys(MUST_BE_SEEN.toArray(String[]::new));
    }

    private static void report(final int states, final long begin) {
        final double seconds = (System.nanoTime() - begin) / 1e9;
        final double processorSeconds =
                ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
        System.out.printf(
                "%d distinct states, %.0f a second, %.0f a second of processor time%n",
                states, states / seconds, states / processorSeconds);
    }

    @Test
    @Tag("nightly")
    void replay() {
        if (System.getProperty("crash.seed") != null) {
            final Mutant program = Boolean.getBoolean("crash.small") ? SMALL_LIMITS : AS_IT_IS;
            program.run(
                    CrashSearch.class,
                    "replay",
                    program == SMALL_LIMITS ? SMALL : "",
                    Long.getLong("crash.seed"),
                    Long.getLong("crash.point", -1),
                    Long.getLong("crash.outcome", -1));
        }
    }
}
