package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.commit.SpaceTree;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.space.SlotGeometry;
import io.icecore.store.tree.TreeEntry;
import java.util.concurrent.atomic.LongAdder;

/**
 * The account of the blocks of a store: each is owned once and in use, or neither. Drawn up for one range of the device
 * at a time; the totals are those of all ranges so far. Owners and entries of the space tree may be told from several
 * threads at once, each with findings of its own; the rest is for one thread.
 */
final class BlockAccount {
    private final CommitReader commit;
    private final Findings findings;
    private final long blockCount;
    private final int segmentBlocks;
    private BlockRange range;

    private long allocated;
    private long referenced;
    private long leaked;
    private long unknown;
    private final LongAdder multiplyOwned = new LongAdder();
    private volatile boolean ownersMissing;
    private volatile boolean mapMissing;

    BlockAccount(final CommitReader commit, final Findings findings) {
        this.commit = commit;
        this.findings = findings;
        blockCount = commit.blockCount();
        segmentBlocks = commit.geometry().segmentBlocks();
    }

    /** Begins a range; the superblock slots in it have their owner. */
    void begin(final long first, final long end) {
        range = new BlockRange(first, end);
        final SlotGeometry geometry = commit.geometry();
        for (int slot = 0; slot < geometry.slotBlocks(blockCount); slot++) {
            final long block = geometry.slotBlock(slot);
            if (range.contains(block)) {
                range.own(block);
            }
        }
    }

    /** Something that owns blocks could not be read: blocks without an owner prove nothing. */
    void ownersAreMissing() {
        ownersMissing = true;
    }

    /** A part of the free-space map could not be read: it proves nothing. */
    void mapIsMissing() {
        mapMissing = true;
    }

    /**
     * @param owner what refers to the run, for the message
     * @param report where findings go
     * @return false when a block had an owner before, or is no block
     */
    boolean own(final long block, final long count, final Object owner, final Findings report) {
        if (block <= 0 || block + count > blockCount) {
            if (range.contains(0)) { // Once, not once for each range.
                report.add(new Finding(
                        owner.toString(),
                        "blocks " + block + "+" + count + " (expected: 1 to " + (blockCount - 1) + ")"));
            }
            return false;
        }
        boolean first = true;
        for (long at = block; at < block + count; at++) {
            if (range.contains(at) && !range.own(at)) {
                first = false;
                multiplyOwned.increment();
                report.add(Finding.at(
                        "block " + at, at * BLOCK_LENGTH, "has an owner already (expected: none but " + owner + ")"));
            }
        }
        return first;
    }

    /** An entry of the space tree. */
    void segment(final TreeEntry entry) {
        final long segment = entry.b();
        if (entry.a() != 0 || entry.c() != 0 || segment * segmentBlocks >= blockCount) {
            throw new CorruptStoreException(
                    "space entry (" + entry.a() + ", " + segment + ", " + entry.c() + ")",
                    -1,
                    "no segment of the store");
        }
        final long first = segment * segmentBlocks;
        final long[] segmentBits = new long[segmentBlocks / 64];
        SpaceTree.decode(entry, segment, segmentBlocks, segmentBits);
        if (!range.overlaps(first, first + segmentBlocks)) {
            return;
        }
        for (int bit = 0; bit < segmentBlocks; bit++) {
            if ((segmentBits[bit >> 6] >>> bit & 1) != 0) {
                range.use(first + bit, 1, true);
            }
        }
    }

    /** Entries of the space log, oldest first; after all of the space tree. */
    void log(final long[] entries) {
        for (int i = 0; i < entries.length; i += 2) {
            final long count = Math.abs(entries[i + 1]);
            if (count == 0 || entries[i] + count > blockCount) {
                mapMissing = true;
                findings.add(Finding.at("space log", entries[i] * BLOCK_LENGTH, "run of " + count + " blocks"));
            } else {
                range.use(entries[i], count, entries[i + 1] > 0);
            }
        }
    }

    /** Whether a block of the range is in use, says the free-space map. */
    boolean used(final long block) {
        return range.used(block);
    }

    /** Compares the two sides of the range. */
    void close() {
        if (mapMissing) {
            referenced += range.ownedCount();
            return;
        }
        final SlotGeometry geometry = commit.geometry();
        for (int slot = 0; slot < geometry.slotBlocks(blockCount); slot++) {
            range.use(geometry.slotBlock(slot), 1, true); // In use, though never allocated.
        }
        allocated += range.usedCount();
        referenced += range.ownedCount();
        range.unprotected((block, count) -> findings.add(Finding.at(
                "free-space map",
                block * BLOCK_LENGTH,
                count + " blocks from " + block + " on are free (expected: in use, for they have owners)")));
        range.ownerless((block, count) -> {
            if (ownersMissing) {
                unknown += count;
            } else {
                leaked += count;
                findings.add(Finding.at(
                        "free-space map",
                        block * BLOCK_LENGTH,
                        count + " blocks from " + block + " on are leaked: in use without an owner"));
            }
        });
    }

    /** After the last range. */
    CheckReport.Blocks total() {
        final long slots = commit.geometry().slotBlocks(blockCount);
        if (mapMissing) {
            findings.add(
                    new Finding("free-space map", "a part cannot be read: not compared with the owners of blocks"));
        } else if (allocated - slots != commit.superblock().usedBlocks) {
            findings.add(Finding.at(
                    "superblock",
                    commit.superblock().block * BLOCK_LENGTH,
                    commit.superblock().usedBlocks + " blocks in use (expected: " + (allocated - slots)
                            + ", as in the free-space map)"));
        }
        if (unknown > 0) {
            findings.add(new Finding(
                    "free-space map", unknown + " blocks in use have no owner among what can be read: owners unknown"));
        }
        return new CheckReport.Blocks(allocated, referenced, leaked, multiplyOwned.sum());
    }

    /** Blocks with an owner so far, those of earlier ranges included. */
    long referenced() {
        return referenced;
    }
}
