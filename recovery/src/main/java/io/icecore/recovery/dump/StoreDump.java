package io.icecore.recovery.dump;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.check.RangeInspection;
import io.icecore.recovery.check.TreeWalk;
import io.icecore.recovery.repair.RepairMarker;
import io.icecore.store.commit.Opener;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Checksum;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.space.SlotGeometry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What is on the device of a store, by name or by place. Stands on the commit that opening would choose, or on any other
 * that a superblock is left of. Not thread-safe.
 */
public final class StoreDump {
    /** Receives the nodes of a tree, parents first, with their entries where these were asked for. */
    @FunctionalInterface
    public interface NodeVisitor {
        void node(NodeDump node, List<String> entries);
    }

    private final BlockDevice device;
    private final SlotGeometry geometry;
    private final UnsafeBuffer buffer =
            new UnsafeBuffer(ByteBuffer.allocateDirect(2 * BLOCK_LENGTH).alignedSlice(BLOCK_LENGTH));
    private final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);

    /** @throws CorruptStoreException when there is no superblock at all */
    public StoreDump(final BlockDevice device) {
        this.device = device;
        geometry = SuperblockSlots.find(device);
    }

    // ---- superblocks

    /** Every slot of the device, in the order of blocks. */
    public List<SlotDump> superblocks() {
        final List<SlotDump> slots = new ArrayList<>();
        Superblock newest = null;
        for (int slot = 0; slot < geometry.slotBlocks(device.length() / BLOCK_LENGTH); slot++) {
            final SlotDump found = slot(geometry.slotBlock(slot));
            slots.add(found);
            final Superblock copy = found.superblock();
            if (copy != null && (newest == null || copy.generation > newest.generation)) {
                newest = copy;
            }
        }
        for (int i = 0; i < slots.size(); i++) {
            final SlotDump found = slots.get(i);
            if (found.superblock() != null) {
                slots.set(i, new SlotDump(found.block(), state(found.superblock(), newest), found.superblock(), null));
            }
        }
        return slots;
    }

    private static String state(final Superblock copy, final Superblock newest) {
        if (!copy.storeId.equals(newest.storeId)) {
            return "foreign";
        }
        if (copy.generation == newest.generation) {
            return "newest";
        }
        return copy.generation == newest.parentGeneration ? "parent" : "older";
    }

    private SlotDump slot(final long block) {
        try {
            read(block);
        } catch (final StoreException ex) {
            return new SlotDump(block, "unreadable", null, ex.getMessage());
        }
        if (blank()) {
            return new SlotDump(block, "blank", null, null);
        }
        try {
            return new SlotDump(block, "older", Superblock.decode(buffer, 0, block), null);
        } catch (final CorruptStoreException ex) {
            final RepairMarker marker = RepairMarker.decode(buffer, 0, block);
            return marker == null
                    ? new SlotDump(block, "damaged", null, ex.getMessage())
                    : new SlotDump(
                            block, "repair", null, "repair in place begun after generation " + marker.generation());
        }
    }

    private void read(final long block) {
        device.read(block * BLOCK_LENGTH, buffer, 0, BLOCK_LENGTH);
    }

    private boolean blank() {
        for (int index = 0; index < BLOCK_LENGTH; index += Long.BYTES) {
            if (buffer.getLong(index) != 0) {
                return false;
            }
        }
        return true;
    }

    // ---- commits

    /** The commit that opening would choose, or the newest of which there is a superblock where it would refuse. */
    public CommitReader newest() {
        try {
            final Superblock chosen = Opener.newestReadable(device, new SuperblockSlots(device, geometry));
            return new CommitReader(device, geometry, chosen);
        } catch (final CorruptStoreException ex) {
            return superblocks().stream()
                    .filter(slot -> slot.state().equals("newest"))
                    .findFirst()
                    .map(slot -> new CommitReader(device, geometry, slot.superblock()))
                    .orElseThrow(() -> ex);
        }
    }

    /**
     * An older commit. Blocks of it may have been reused: these show as damaged nodes.
     *
     * @throws IllegalArgumentException when no superblock of it is left
     */
    public CommitReader generation(final long generation) {
        for (final SlotDump slot : superblocks()) {
            if (slot.superblock() != null && slot.superblock().generation == generation) {
                return new CommitReader(device, geometry, slot.superblock());
            }
        }
        throw new IllegalArgumentException("generation: " + generation + " (expected: one of dump superblocks)");
    }

    /** All that the superblock of a commit says, its spill nodes included, in lines. */
    public static List<String> commit(final CommitReader commit) {
        return CommitText.of(commit);
    }

    // ---- trees

    /** @param withEntries tell the visitor the entries in words; without, it gets none */
    public static void tree(
            final CommitReader commit, final int tree, final boolean withEntries, final NodeVisitor visitor) {
        final EntryText text = new EntryText(commit.geometry().segmentBlocks());
        new TreeWalk(commit, new TreeWalk.Visitor() {
                    private long nodes;

                    @Override
                    public boolean node(final int number, final int level, final long home, final NodePage page) {
                        final List<String> entries = new ArrayList<>();
                        for (int index = 0; withEntries && index < page.count(); index++) {
                            entries.add(text.of(page, index));
                        }
                        visitor.node(sound(level, home, page), entries);
                        return nodes++ < 2 * commit.blockCount();
                    }

                    @Override
                    public void damaged(
                            final int number, final int level, final long home, final StoreException problem) {
                        final long block = commit.resolve(home, 0).block();
                        visitor.node(
                                new NodeDump(level, block, home, 0, 0, 0, "", "", problem.getMessage()), List.of());
                    }
                })
                .walk(tree);
    }

    private static NodeDump sound(final int level, final long home, final NodePage page) {
        final int count = page.count();
        return new NodeDump(
                level,
                page.block(),
                home,
                page.generation(),
                count,
                page.freeBytes(),
                count == 0 ? "" : EntryText.key(page, 0),
                count == 0 ? "" : EntryText.key(page, count - 1),
                null);
    }

    // ---- places

    /** @throws IllegalArgumentException when the store has no such block */
    public BlockDump block(final CommitReader commit, final long block) {
        final RangeInspection range = new RangeInspection(commit, block, block + 1);
        read(block);
        return new BlockDump(
                block,
                content(commit, block, range.owners()),
                map(commit, range, block),
                range.owners(),
                range.damage());
    }

    /** @throws IllegalArgumentException when the store has no such segment */
    public SegmentDump segment(final CommitReader commit, final long segment) {
        final int length = geometry.segmentBlocks();
        if (segment < 0 || segment * length >= commit.blockCount()) {
            throw new IllegalArgumentException(
                    "segment: " + segment + " (expected: 0 to " + (commit.blockCount() - 1) / length + ")");
        }
        final long first = segment * length;
        final long end = Math.min(commit.blockCount(), first + length);
        final RangeInspection range = new RangeInspection(commit, first, end);
        final StringBuilder map = new StringBuilder();
        for (long block = first; block < end; block++) {
            map.append(
                    switch (map(commit, range, block)) {
                        case "used" -> '#';
                        case "slot" -> 'S';
                        default -> '.';
                    });
        }
        final List<RangeInspection.Owner> owners = new ArrayList<>(range.owners());
        owners.sort(Comparator.comparingLong(RangeInspection.Owner::block));
        return new SegmentDump(
                segment,
                first,
                (int) (end - first),
                (int) map.chars().filter(c -> c == '#').count(),
                map.toString(),
                owners,
                range.damage());
    }

    private String map(final CommitReader commit, final RangeInspection range, final long block) {
        final long stride = geometry.strideBlocks();
        if (block % stride < SlotGeometry.GROUP_SLOTS && block / stride < geometry.groups(commit.blockCount())) {
            return "slot";
        }
        return range.used(block) ? "used" : "free";
    }

    private String content(final CommitReader commit, final long block, final List<RangeInspection.Owner> owners) {
        for (final RangeInspection.Owner owner : owners) {
            if (owner.checksum() != null) {
                final int found = Checksum.of(buffer, 0, BLOCK_LENGTH);
                return found == owner.checksum()
                        ? String.format("data, checksum 0x%08x as its owner has it", found)
                        : String.format("data, checksum 0x%08x (expected: 0x%08x)", found, owner.checksum());
            }
        }
        if (blank()) {
            return "zeroes";
        }
        buffer.getBytes(0, image, 0, BLOCK_LENGTH);
        final String[] found = {null};
        attempt(() -> found[0] = "superblock, generation " + Superblock.decode(buffer, 0, block).generation);
        attempt(() -> {
            final NodePage page = new NodePage(image).verifyIdentity("node", commit.superblock().storeId, block);
            final String name = CommitReader.treeName(page.tree());
            found[0] = (name == null ? "tree " + page.tree() : name) + " node, level " + page.level() + ", generation "
                    + page.generation() + ", " + page.count() + " entries";
        });
        if (found[0] == null) {
            return owners.isEmpty() ? "unknown" : "what its owner says";
        }
        return found[0];
    }

    private static void attempt(final Runnable decoding) {
        try {
            decoding.run();
        } catch (final CorruptStoreException ex) {
            return; // It is something else.
        }
    }
}
