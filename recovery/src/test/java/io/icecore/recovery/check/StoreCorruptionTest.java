package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.store.sim.SimBlockDevice;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Bits of a small image flipped: found where a structure is, harmless where none is, and never a hang or an exception; and
 * of one that has every structure in it, opened and read as well: what is read is what was written, or the thing that is
 * damaged is named. {@code -Dcorruption.seed=N -Dcorruption.flips=N -Dcorruption.bits=N}.
 */
class StoreCorruptionTest {
    private static final int FLIPS = Integer.getInteger("corruption.flips", 600);

    /** Of each structure, in every build. */
    private static final int BITS = Integer.getInteger("corruption.bits", 20);

    /** A check takes longer than opening and reading all, and sees the same: a checksum that does not fit. */
    private static final int CHECKED_ONE_IN = 9;

    private static final long BITS_PER_BLOCK = BLOCK_LENGTH * 8;

    private final long seed = Long.getLong("corruption.seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);

    @Test
    @Timeout(300)
    void aFlippedBitIsFoundInAStructureAndHarmlessElsewhere() {
        final SimBlockDevice sound = store();
        final CheckReport whole = new StoreCheck(sound, CheckProgress.NONE).run();
        final Set<Long> structures = structures(sound);
        final List<Long> blocks = new ArrayList<>(structures);
        for (int flip = 0; flip < FLIPS; flip++) {
            final long block = random.nextBoolean()
                    ? blocks.get(random.nextInt(blocks.size()))
                    : random.nextLong(sound.length() / BLOCK_LENGTH);
            final long position = block * BLOCK_LENGTH + random.nextInt(BLOCK_LENGTH);
            final int bit = random.nextInt(8);
            final SimBlockDevice device = sound.kill();
            device.flipBit(position, bit);
            final String replay = "-Dcorruption.seed=" + seed + " flip " + flip + " position " + position;

            final CheckReport report = new StoreCheck(device, CheckProgress.NONE).run();

            assertThat(report.ok()).as(replay).isEqualTo(!structures.contains(block));
            if (report.ok()) {
                assertThat(report).as(replay).isEqualTo(whole);
            }
        }
    }

    @Test
    @Timeout(300)
    void manyFlippedBitsNeverEndInAnExceptionOrAHang() {
        final SimBlockDevice sound = store();
        final List<Long> blocks = new ArrayList<>(structures(sound));
        for (int round = 0; round < FLIPS / 10; round++) {
            final SimBlockDevice device = sound.kill();
            for (int flip = 0; flip < 1 << random.nextInt(8); flip++) {
                final long block = blocks.get(random.nextInt(blocks.size()));
                device.flipBit(block * BLOCK_LENGTH + random.nextInt(BLOCK_LENGTH), random.nextInt(8));
            }
            try {
                assertThat(new StoreCheck(device, CheckProgress.NONE).run().errors())
                        .as("-Dcorruption.seed=" + seed + " round " + round)
                        .isNotNull();
            } catch (final UnknownFormatException ex) {
                assertThat(ex).hasMessageContaining("format version"); // All copies hit in the same field.
            }
        }
    }

    @Test
    void aFlippedBitOfAnyStructureIsDetectedOrHarmless() {
        System.out.println("StoreCorruptionTest -Dcorruption.seed=" + seed);
        final BitFlips flips = new BitFlips(1);
        flips.everyStructure((structure, blocks) -> random.longs(BITS, 0, blocks * BITS_PER_BLOCK));
        System.out.print(flips.table());
    }

    /** Every bit, but of blocks of which there are many: of two of them, and of data and free blocks one bit in 61. */
    @Test
    @Tag("nightly")
    void everyFlippedBitOfAnyStructureIsDetectedOrHarmless() {
        final BitFlips flips = new BitFlips(CHECKED_ONE_IN);
        flips.everyStructure((structure, blocks) -> LongStream.range(0, Math.min(2, blocks) * BITS_PER_BLOCK)
                .filter(bit -> !BitFlips.ALL_ALIKE.contains(structure) || bit % 61 == 0));
        System.out.print(flips.table());
    }

    private SimBlockDevice store() {
        System.out.println("StoreCorruptionTest -Dcorruption.seed=" + seed);
        final RandomHistory history = new RandomHistory(seed);
        history.steps(300);
        history.churn();
        history.steps(50);
        return history.finish();
    }

    /** Blocks of the newest commit's structures. */
    private static Set<Long> structures(final SimBlockDevice device) {
        final Set<Long> blocks = new HashSet<>();
        Superblock newest = null;
        final SuperblockSlots slots = new SuperblockSlots(device, SuperblockSlots.find(device));
        for (final Superblock copy : slots.readAll(false).copies()) {
            if (newest == null || copy.generation > newest.generation) {
                newest = copy;
                blocks.clear();
            }
            if (copy.generation == newest.generation) {
                blocks.add(copy.block);
            }
        }
        final CommitReader commit = new CommitReader(device, SuperblockSlots.find(device), newest);
        commit.spills(problem -> {
                    throw problem;
                })
                .forEach(spill -> blocks.add(spill.block()));
        new TreeWalk(commit, new TreeWalk.Visitor() {
                    @Override
                    public boolean node(final int tree, final int level, final long home, final NodePage page) {
                        blocks.add(page.block());
                        return true;
                    }

                    @Override
                    public void damaged(
                            final int tree, final int level, final long home, final StoreException problem) {
                        throw problem;
                    }
                })
                .all();
        return blocks;
    }
}
