package io.icecore.recovery.check;

import static io.icecore.recovery.check.CommitCheck.OvertakenException;

import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.store.space.SlotGeometry;
import java.util.function.BooleanSupplier;

/**
 * Are the structures of a store consistent with each other? Read-only, also beside a daemon that writes: it stands on
 * one commit, and starts over on the newest when blocks of that one have been reused.
 *
 * <p>Checked: superblock copies; every node, and its place among the keys of its parents; redirects; the spill chain of the
 * space log; every block owned once and in use, or neither; extents; the catalogue; region bitmaps. Data is not read:
 * that is scrub's work.
 *
 * <p>Takes time in proportion to the trees, on several threads, and memory for two bits a block, of at most
 * {@value #RANGE_BLOCKS_MAX} blocks at a time and an eighth of what the program may use: on a larger device the trees are
 * read once for each such range.
 */
public final class StoreCheck {
    /** 2 TiB of the device, 128 MiB of memory. */
    static final long RANGE_BLOCKS_MAX = 1L << 29;

    private static final int BLOCKS_PER_BYTE = 4;
    private static final int ATTEMPTS_MAX = 20;

    private final BlockDevice device;
    private final CheckProgress progress;
    private final BooleanSupplier undisturbed;
    private final long rangeBlocksMax;

    /** Of a store that nobody writes, or whose writer knows nothing of this. */
    public StoreCheck(final BlockDevice device, final CheckProgress progress) {
        this(device, progress, () -> false);
    }

    /** @param undisturbed asked when something is wrong: whether the writer has reused no block since before this began */
    public StoreCheck(final BlockDevice device, final CheckProgress progress, final BooleanSupplier undisturbed) {
        this(device, progress, undisturbed, rangeBlocksOf(Runtime.getRuntime().maxMemory()));
    }

    StoreCheck(
            final BlockDevice device,
            final CheckProgress progress,
            final BooleanSupplier undisturbed,
            final long rangeBlocksMax) {
        this.device = device;
        this.progress = progress;
        this.undisturbed = undisturbed;
        this.rangeBlocksMax = rangeBlocksMax;
    }

    static long rangeBlocksOf(final long memoryBytes) {
        return Math.min(RANGE_BLOCKS_MAX, memoryBytes / 8 * BLOCKS_PER_BYTE);
    }

    /**
     * @throws UnknownFormatException when this program does not know the format
     * @throws StoreException when a writer was always faster
     */
    public CheckReport run() {
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            try {
                return checkNewest();
            } catch (final OvertakenException ex) {
                Thread.onSpinWait(); // Again, on what is the newest commit now.
            }
        }
        throw new StoreException(
                "store changes faster than it can be checked; " + ATTEMPTS_MAX + " attempts: " + device.name());
    }

    private CheckReport checkNewest() {
        final Findings findings = new Findings();
        final SlotGeometry geometry;
        final Superblock chosen;
        try {
            geometry = SuperblockSlots.find(device);
            chosen = choose(geometry, findings);
        } catch (final UnknownFormatException ex) {
            throw ex;
        } catch (final CorruptStoreException ex) {
            findings.add(Finding.of(ex));
            return CheckReport.of(0, new CheckReport.Blocks(0, 0, 0, 0), 0, findings);
        }
        final BooleanSupplier overtaken =
                () -> SuperblockCheck.newestGeneration(device, geometry) > chosen.generation + 1
                        && !undisturbed.getAsBoolean();
        try (SideBySide threads = new SideBySide("check", SideBySide.threadsOfThisMachine())) {
            return new CommitCheck(new CommitReader(device, geometry, chosen), findings, overtaken, threads)
                    .run(rangeBlocksMax, progress);
        }
    }

    /**
     * Slots are read one after the other, perhaps while a commit is being written: what is wrong with them stays wrong, and
     * is called so when a second look finds the same.
     */
    private Superblock choose(final SlotGeometry geometry, final Findings findings) {
        final Findings once = new Findings();
        Superblock chosen = new SuperblockCheck(device, geometry, once).choose();
        if (once.count() > 0) {
            final Findings again = new Findings();
            chosen = new SuperblockCheck(device, geometry, again).choose();
            again.toList().stream().filter(once.toList()::contains).forEach(findings::add);
        }
        return chosen;
    }
}
