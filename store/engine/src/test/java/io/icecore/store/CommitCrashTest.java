package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Power fails, or the process is killed, at every device operation of random workloads, with different outcomes each; then
 * again during or after opening, and once more.
 *
 * <p>Checked after each: the store opens; it holds exactly what the last acknowledged commit held, or the one in flight;
 * every block is owned once or free; its generation was never used before; and it goes on working. A failure names its
 * crash; {@link #replay()} runs that one alone.
 *
 * <p>How this test was tested: see {@link CommitCrashMutantsTest}.
 */
class CommitCrashTest {
    private static final int SEEDS = Integer.getInteger("crash.seeds", 12);
    private static final int OUTCOMES = Integer.getInteger("crash.outcomes", 1);

    @Test
    void recoversACommitFromACrashAtEveryOperation() {
        final CrashSearch search = new CrashSearch();
        for (long seed = 1; seed <= SEEDS; seed++) {
            search.run(seed, OUTCOMES);
        }
        System.out.println(search.states + " states " + search.seen);
        assertThat(search.states).isGreaterThan(1000);
    }

    @Test
    @Tag("nightly")
    void recoversFromManyMore() {
        final long first = Long.getLong("crash.first", System.nanoTime() & 0xFFFF_FFFFL);
        final CrashSearch search = new CrashSearch();
        final long end = System.nanoTime() + Long.getLong("crash.minutes", 30) * 60_000_000_000L;
        for (long seed = first; System.nanoTime() < end; seed++) {
            search.run(seed, 4);
        }
    }

    @Test
    @Tag("nightly")
    void replay() {
        if (System.getProperty("crash.seed") != null) {
            final CrashSearch search = new CrashSearch();
            search.only(Long.getLong("crash.point", -1), Long.getLong("crash.outcome", -1));
            search.run(Long.getLong("crash.seed"), Integer.MAX_VALUE);
        }
    }
}
