package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.commit.Opener;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.store.space.SlotGeometry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Are the superblocks such that the store can be opened, and will be opened where it should? Chooses the commit that the
 * rest of the check stands on, the one that opening would choose.
 *
 * <p>A power loss leaves less than two copies of the newest commit, or a torn one. That is no damage, opening deals with
 * it: it is a finding only where the newest commit is a sealing one, which is the last of a store that was closed or idle.
 */
final class SuperblockCheck {
    private static final Logger LOG = LoggerFactory.getLogger(SuperblockCheck.class);

    private final BlockDevice device;
    private final SlotGeometry geometry;
    private final Findings findings;
    private final List<Superblock> copies = new ArrayList<>();

    SuperblockCheck(final BlockDevice device, final SlotGeometry geometry, final Findings findings) {
        this.device = device;
        this.geometry = geometry;
        this.findings = findings;
    }

    /** Generation of the newest copy that can be read now. */
    static long newestGeneration(final BlockDevice device, final SlotGeometry geometry) {
        return new SuperblockSlots(device, geometry)
                .readAll(false).copies().stream()
                        .mapToLong(copy -> copy.generation)
                        .max()
                        .orElse(0);
    }

    /** @throws CorruptStoreException when there is no superblock to stand on */
    Superblock choose() {
        final SuperblockSlots slots = new SuperblockSlots(device, geometry);
        final SuperblockSlots.Contents contents = slots.readAll(false);
        for (final long block : contents.unreadable()) {
            findings.add(Finding.at("superblock slot", block * BLOCK_LENGTH, "cannot be read"));
        }
        takeCopies(contents);
        final Superblock chosen = chosen(slots);
        checkCopies(chosen);
        checkAgreement();
        checkFields(chosen);
        return chosen;
    }

    private void takeCopies(final SuperblockSlots.Contents contents) {
        for (final Superblock copy : contents.copies()) {
            if (copy.storeId.equals(contents.copies().get(0).storeId)) {
                copies.add(copy);
            } else {
                findings.add(at(copy, "belongs to another store: " + copy.storeId));
            }
        }
        if (copies.isEmpty()) {
            throw new CorruptStoreException("store", 0, "no superblock can be read");
        }
    }

    private Superblock chosen(final SuperblockSlots slots) {
        try {
            return Opener.newestReadable(device, slots);
        } catch (final UnknownFormatException ex) {
            throw ex; // Not damaged, and not for this program to judge.
        } catch (final CorruptStoreException ex) {
            findings.add(Finding.of(ex));
            return newest();
        }
    }

    private Superblock newest() {
        Superblock newest = copies.get(0);
        for (final Superblock copy : copies) {
            newest = copy.generation > newest.generation ? copy : newest;
        }
        return newest;
    }

    private List<Superblock> copiesOf(final long generation) {
        return copies.stream().filter(copy -> copy.generation == generation).toList();
    }

    private void checkCopies(final Superblock chosen) {
        final List<Superblock> own = copiesOf(chosen.generation);
        final List<Superblock> parents = copiesOf(chosen.parentGeneration);
        if (own.size() < 2) {
            final Set<Long> missing = new HashSet<>();
            for (final Superblock parent : parents) {
                for (final long slot : parent.nextSlots) {
                    if (slot != chosen.block) {
                        missing.add(slot);
                    }
                }
            }
            final String problem = "the only copy of generation " + chosen.generation
                    + " (expected: 2; the other at block " + missing + ")";
            if (chosen.sealing()) {
                findings.add(at(chosen, problem));
            } else {
                LOG.info("superblock, as a power loss leaves it until the store is opened: {}", problem);
            }
        }
        if (chosen.parentGeneration != 0 && parents.isEmpty()) {
            findings.add(at(
                    chosen,
                    "no copy of generation " + chosen.parentGeneration + ", its parent (expected: at least 1)"));
        }
    }

    /** Copies of one commit say the same, wherever they are. */
    private void checkAgreement() {
        for (final Superblock copy : copies) {
            final Superblock first = copiesOf(copy.generation).get(0);
            if (copy != first && !copy.sameCommit(first)) {
                findings.add(at(
                        copy,
                        "generation " + copy.generation + " differs from the copy at block " + first.block
                                + (copy.nonce == first.nonce ? "" : ": two writers")));
            }
        }
    }

    private void checkFields(final Superblock chosen) {
        final long deviceBlocks = device.length() / BLOCK_LENGTH;
        if (chosen.blockCount > deviceBlocks) {
            findings.add(at(
                    chosen,
                    "store of " + chosen.blockCount + " blocks on a device of " + deviceBlocks
                            + " (expected: at least)"));
        }
        if (chosen.segmentBlocks != geometry.segmentBlocks() || chosen.slotStrideBlocks != geometry.strideBlocks()) {
            findings.add(at(chosen, "geometry is another than that of the first superblock found"));
        }
        final Set<Long> slots = new HashSet<>();
        for (int slot = 0; slot < geometry.slotBlocks(chosen.blockCount); slot++) {
            slots.add(geometry.slotBlock(slot));
        }
        for (final long slot : chosen.nextSlots) {
            if (!slots.contains(slot)) {
                findings.add(at(chosen, "block " + slot + " announced for the next superblock (expected: a slot)"));
            }
        }
    }

    private static Finding at(final Superblock superblock, final String what) {
        return Finding.at("superblock", superblock.block * BLOCK_LENGTH, what);
    }
}
