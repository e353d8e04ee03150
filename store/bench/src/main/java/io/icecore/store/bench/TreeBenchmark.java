package io.icecore.store.bench;

import io.icecore.store.Store;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.TreeEntry;
import java.time.Clock;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A tree of extents of one chunk each, all of its nodes in memory, on a device in memory. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TreeBenchmark {
    private static final long DEVICE_LENGTH = 1L << 30;
    private static final int CACHE_NODES = 200_000;
    private static final int VALUE_LENGTH = 16;

    /** Commits that a benchmark of changes makes every so many of them. */
    private static final int CHANGES_PER_COMMIT = 64;

    @Param({"10000", "1000000"})
    int entries;

    private final SplittableRandom random = new SplittableRandom(1);
    private final TreeEntry entry = new TreeEntry();
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[VALUE_LENGTH]);
    private Store store;
    private int changes;

    @Setup
    public void fill() {
        final SimBlockDevice device = new SimBlockDevice(DEVICE_LENGTH);
        Store.format(device, "bench");
        store = Store.open(device, Clock.systemUTC(), CACHE_NODES);
        for (int key = 0; key < entries; key++) {
            put(key);
            if (key % 100_000 == 0) {
                store.commit();
            }
        }
        store.commit();
    }

    @Benchmark
    public boolean lookUp() {
        final long key = random.nextInt(entries);
        return store.head().floor(Key.hi(1, key), Key.lo(key, 0), entry);
    }

    /** With the share of a commit that falls to each change of a batch. */
    @Benchmark
    public void overwriteAndCommit() {
        put(random.nextInt(entries));
        if (++changes % CHANGES_PER_COMMIT == 0) {
            store.commit();
        }
    }

    /** What a lone client that flushes each write costs the engine, beside its device. */
    @Benchmark
    public void overwriteAndCommitEach() {
        put(random.nextInt(entries));
        store.commit();
    }

    private void put(final long key) {
        store.lock();
        try {
            value.putLong(0, key);
            store.head().put(Key.hi(1, key), Key.lo(key, 0), value, 0, VALUE_LENGTH);
        } finally {
            store.unlock();
        }
    }
}
