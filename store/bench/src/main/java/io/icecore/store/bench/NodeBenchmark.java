package io.icecore.store.bench;

import io.icecore.store.format.Checksum;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.Key;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One full leaf of extents, and the checksum of a chunk. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class NodeBenchmark {
    private static final int BLOCK_LENGTH = 4096;
    private static final int VALUE_LENGTH = 16;
    private static final long BLOCK = 1234;
    private static final long GENERATION = 17;

    private final UUID storeId = new UUID(1, 2);
    private final SplittableRandom random = new SplittableRandom(1);
    private final NodePage page = new NodePage(2, 0);
    private final UnsafeBuffer chunk = new UnsafeBuffer(ByteBuffer.allocateDirect(BLOCK_LENGTH));
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[VALUE_LENGTH]);

    @Setup
    public void fill() {
        for (int key = 0; page.takes(Key.hi(1, key), Key.lo(key, 0), VALUE_LENGTH); key++) {
            page.insert(page.count(), Key.hi(1, key), Key.lo(key, 0), value, 0, VALUE_LENGTH);
        }
        page.seal(storeId, BLOCK, GENERATION);
    }

    @Benchmark
    public int checksumOfAChunk() {
        return Checksum.of(chunk, 0, BLOCK_LENGTH);
    }

    @Benchmark
    public int searchInALeaf() {
        final long key = random.nextInt(page.count());
        return page.floor(Key.hi(1, key), Key.lo(key, 0));
    }

    @Benchmark
    public void encode() {
        page.seal(storeId, BLOCK, GENERATION);
    }

    @Benchmark
    public NodePage decode() {
        return page.verify("leaf", storeId, 2, 0, BLOCK, GENERATION);
    }
}
