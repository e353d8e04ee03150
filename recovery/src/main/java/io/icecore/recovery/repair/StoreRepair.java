package io.icecore.recovery.repair;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.check.CheckProgress;
import io.icecore.recovery.check.CheckReport;
import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.check.Finding;
import io.icecore.recovery.check.StoreCheck;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.Opener;
import io.icecore.store.commit.Publication;
import io.icecore.store.commit.SpaceTree;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.SuperblockLayout;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.store.log.SegmentReader;
import io.icecore.store.space.SlotGeometry;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.CatalogueRebuild;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.LongPredicate;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Writes a consistent store from what can still be read. Steps are numbered as in docs/architecture.md section 9.
 *
 * <p>Nothing that the damaged store may still need is overwritten: what is written goes to blocks that neither data that is
 * kept nor any whole node has, and becomes the store by the superblock that is written last. A repair that a crash cuts off
 * leaves the store as it was; the nodes it has written say the same as those they were made from.
 */
public final class StoreRepair {
    /** Told now and then how far the scan has come; may throw, which ends the repair. */
    @FunctionalInterface
    public interface Progress {
        Progress NONE = (done, total) -> {};

        void blocks(long done, long total);
    }

    /** Makes the device that the result goes to, as long as the one that is repaired. */
    @FunctionalInterface
    public interface Target {
        BlockDevice create();
    }

    private static final int GENERATION_JUMP = 16;
    private static final int COPY_BLOCKS_MAX = 64;
    private static final String LABEL_LOST = "repaired";

    private final BlockDevice source;
    private final Clock clock;
    private final Progress progress;
    private final List<Finding> losses = new ArrayList<>();
    private final CatalogueRebuild catalogue = new CatalogueRebuild();

    private DeviceScan scan;

    /** Of the store, which may be shorter than the device. */
    private long blockCount;

    private UUID storeId;
    private FoundNodes nodes;
    private BlockBits nodeBlocks;

    /** The newest of which a superblock is left, or null. */
    private Superblock base;

    private CommitReader commit;
    private SlotGeometry geometry;
    private BlockBits allocated;
    private LiveLeaves leaves;
    private final Map<Integer, List<Piece>> pieces = new TreeMap<>();
    private final Map<Integer, List<Range>> gaps = new TreeMap<>();
    private BlockBits owned;
    private Saved saved;
    private long extents;

    /** @param source is not written, unless it is the target as well */
    public StoreRepair(final BlockDevice source, final Clock clock, final Progress progress) {
        this.source = source;
        this.clock = clock;
        this.progress = progress;
    }

    /**
     * Repairs in place. Nobody else has the store open.
     *
     * @param chosen of several stores that have left nodes on a device without a superblock; or null
     */
    public RepairReport inPlace(final UUID chosen) {
        return run(chosen, () -> source);
    }

    /** Repairs into a new device, and leaves the source as it is. */
    public RepairReport into(final UUID chosen, final Target target) {
        return run(chosen, target);
    }

    /** Says what a repair would save and what not, and writes nothing. */
    public RepairReport rehearse(final UUID chosen) {
        return run(chosen, null);
    }

    private RepairReport run(final UUID chosen, final Target target) {
        final CheckReport before = check(source);
        if (before.ok()) {
            return new RepairReport(true, null, before.generation(), 0, 0, List.of(), List.of());
        }
        look(chosen); //           1. What is there.
        findLeaves(); //           2. Which of it is the newest state.
        readCatalogue(); //        3. Whose it is.
        takeExtents(); //          4. Which extents can be relied on.
        reportGaps();
        final List<String> changes = catalogue.complete(clock.millis());
        if (target != null) {
            final BlockDevice device = target.create();
            new Rebuilding(device).run(); // 5 to 7.
        }
        return new RepairReport(
                false,
                storeId,
                base == null ? nodes.newestGeneration() : base.generation,
                nodes.count(),
                extents,
                losses,
                changes);
    }

    private static CheckReport check(final BlockDevice device) {
        return new StoreCheck(device, CheckProgress.NONE).run();
    }

    // ---- 1

    private void look(final UUID chosen) {
        scan = new DeviceScan(source);
        scan.run(progress);
        chooseStore(chosen);
        blockCount = base == null ? scan.blockCount() : Math.min(base.blockCount, scan.blockCount());
        nodes = scan.of(storeId).nodes;
        nodeBlocks = scan.of(storeId).blocks;
        if (base == null && nodes.count() == 0) {
            throw new CorruptStoreException(
                    "store", 0, "no superblock and no tree node found; not an Icecore store: " + source.name());
        }
        if (base != null) {
            geometry = new SlotGeometry(base.segmentBlocks, base.slotStrideBlocks);
            base = newestOpenable();
            commit = new CommitReader(source, geometry, base);
            allocated = AllocationMap.read(commit);
            scan.forgetAfter(storeId, base.generation);
        } else {
            scan.markers().values().stream()
                    .filter(marker -> marker.storeId().equals(storeId))
                    .forEach(marker -> scan.forgetAfter(storeId, marker.generation()));
        }
    }

    private void chooseStore(final UUID chosen) {
        for (final Superblock found : scan.superblocks()) {
            if ((chosen == null || chosen.equals(found.storeId)) && (base == null || isNewer(found, base))) {
                base = found;
            }
        }
        if (base != null) {
            storeId = base.storeId;
        } else if (chosen != null) {
            storeId = chosen;
        } else if (scan.stores().size() > 1) {
            final List<String> found = new ArrayList<>();
            scan.stores()
                    .forEach((id, store) -> found.add(id + " (" + store.nodes.count() + " nodes, newest generation "
                            + store.nodes.newestGeneration() + ")"));
            throw new StoreException("no superblock, and nodes of several stores: choose one by its number: "
                    + String.join(", ", found) + ": " + source.name());
        } else {
            storeId = scan.stores().keySet().stream().findFirst().orElse(new UUID(0, 0));
        }
    }

    private static boolean isNewer(final Superblock one, final Superblock other) {
        return one.storeId.equals(other.storeId)
                ? one.generation > other.generation
                : one.timeMillis > other.timeMillis;
    }

    /** The commit that opening would choose; where opening would refuse, the newest. */
    private Superblock newestOpenable() {
        try {
            final Superblock opened = Opener.newestReadable(source, new SuperblockSlots(source, geometry));
            return opened.storeId.equals(storeId) ? opened : base;
        } catch (final UnknownFormatException ex) {
            throw ex;
        } catch (final StoreException ex) {
            return base;
        }
    }

    // ---- 2

    private void findLeaves() {
        final Set<Long> homes = new HashSet<>();
        for (int i = 0; base != null && i < base.redirects.length; i += 3) {
            homes.add(base.redirects[i]);
        }
        final LongPredicate live = allocated == null ? null : block -> allocated.get(block) && !homes.contains(block);
        leaves = new LiveLeaves(new SegmentReader(source), storeId, nodes, commit, live, scan.torn());
        for (int tree = OpenedStore.CATALOGUE; tree <= OpenedStore.HISTORY; tree++) {
            leaves.find(tree);
            // The recent tree grows and shrinks all the time: without a superblock an old one may look like the newest.
            final boolean sure = base != null || tree != OpenedStore.RECENT;
            pieces.put(tree, sure ? List.copyOf(leaves.pieces()) : doubted(leaves.pieces()));
            gaps.put(tree, List.copyOf(leaves.gaps()));
        }
        leaves.find(OpenedStore.REGIONS); // Made anew; only what is damaged matters.
    }

    private static List<Piece> doubted(final List<Piece> sure) {
        return sure.stream()
                .map(piece -> new Piece(piece.range(), piece.block(), piece.generation(), true))
                .toList();
    }

    // ---- 3

    private void readCatalogue() {
        final TreeEntry entry = new TreeEntry();
        for (final Piece piece : pieces.get(OpenedStore.CATALOGUE)) {
            final NodePage page = leaves.read(piece.block());
            for (int index = 0; page != null && index < page.count(); index++) {
                if (piece.range().contains(page.hi(index), page.lo(index))) {
                    try {
                        entry.copy(page, index);
                        catalogue.add(entry);
                    } catch (final CorruptStoreException ex) {
                        losses.add(Finding.of(ex));
                    }
                }
            }
            if (piece.doubtful()) {
                losses.add(new Finding(
                        "catalogue, records " + text(piece.range()),
                        "taken from generation " + piece.generation() + ": may be older than the last state"));
            }
        }
        for (final Range gap : gaps.get(OpenedStore.CATALOGUE)) {
            losses.add(new Finding("catalogue, records " + text(gap), "their node is lost"));
        }
    }

    private static String text(final Range range) {
        return "(" + Key.a(range.fromHi()) + ", " + Key.b(range.fromHi(), range.fromLo()) + ", " + Key.c(range.fromLo())
                + ") to before (" + Key.a(range.endHi()) + ", " + Key.b(range.endHi(), range.endLo()) + ", "
                + Key.c(range.endLo()) + ")";
    }

    // ---- 4

    private void takeExtents() {
        owned = new BlockBits(scan.blockCount());
        final BlockBits forbidden = new BlockBits(scan.blockCount());
        for (int slot = 0; geometry != null && slot < geometry.slotBlocks(blockCount); slot++) {
            forbidden.set(geometry.slotBlock(slot));
        }
        saved = new Saved(source, owned, allocated, forbidden, this::isStale, this::lost);
        for (int tree = OpenedStore.HEAD; tree <= OpenedStore.HISTORY; tree++) {
            Saved.each(leaves, pieces.get(tree), tree, saved::takeSure);
        }
        for (int tree = OpenedStore.HEAD; tree <= OpenedStore.HISTORY; tree++) {
            Saved.each(leaves, pieces.get(tree), tree, saved::noteDoubtful);
        }
        for (int tree = OpenedStore.HEAD; tree <= OpenedStore.HISTORY; tree++) {
            Saved.each(leaves, pieces.get(tree), tree, saved::noteSure);
        }
        for (int tree = OpenedStore.HEAD; tree <= OpenedStore.HISTORY; tree++) {
            Saved.each(leaves, pieces.get(tree), tree, saved::takeDoubtful);
        }
        for (int tree = OpenedStore.HEAD; tree <= OpenedStore.HISTORY; tree++) {
            Saved.each(leaves, pieces.get(tree), tree, window -> {
                for (final Candidate candidate : window) {
                    if (saved.isKept(candidate)) {
                        extents++;
                        catalogue.tell(
                                candidate.branch(),
                                candidate.chunk(),
                                candidate.length(),
                                candidate.birth(),
                                candidate.death(),
                                candidate.zeroes());
                        if (candidate.doubtful()
                                && !(allocated != null && gapsAreOfOneTree())
                                && !isOnlyDoubted(candidate)) {
                            older(candidate);
                        }
                    }
                }
            });
        }
    }

    /** Of a branch that is gone, or seen by nobody: where the catalogue is whole, a doubtful one that was deleted since. */
    private boolean isStale(final Candidate candidate) {
        return gaps.get(OpenedStore.CATALOGUE).isEmpty()
                && pieces.get(OpenedStore.CATALOGUE).stream().noneMatch(Piece::doubtful)
                && !catalogue.sees(candidate.branch(), candidate.birth(), candidate.death());
    }

    /** Then what is allocated, has no owner and has the right checksum is what it was: nothing else can have it. */
    private boolean gapsAreOfOneTree() {
        int with = 0;
        for (int tree = OpenedStore.HEAD; tree <= OpenedStore.HISTORY; tree++) {
            with += gaps.get(tree).isEmpty() ? 0 : 1;
        }
        return with <= 1;
    }

    /** Doubtful for no other reason than that there is no superblock: and now it has been confirmed. */
    private boolean isOnlyDoubted(final Candidate candidate) {
        return base == null && candidate.leaf().tree() == OpenedStore.RECENT;
    }

    private void lost(final Candidate candidate) {
        if (!candidate.doubtful()) {
            losses.add(new Finding(place(candidate), "lost: its blocks belong to another, or to nobody"));
        }
    }

    private void older(final Candidate candidate) {
        losses.add(new Finding(
                place(candidate),
                "taken from generation " + candidate.leaf().generation() + ": may be older than the last state"));
    }

    private String place(final Candidate candidate) {
        return catalogue.nameOf(candidate.branch()) + (candidate.history() ? " snapshots" : " head") + " offset "
                + candidate.chunk() * BLOCK_LENGTH + " length " + (long) candidate.length() * BLOCK_LENGTH;
    }

    /** Where nodes are lost: what their keys stand for, unless all that was in use has been found elsewhere. */
    private void reportGaps() {
        final long unexplained = allocated == null ? -1 : unexplained();
        for (int tree = OpenedStore.HEAD; tree <= OpenedStore.HISTORY; tree++) {
            for (final Range gap : gaps.get(tree)) {
                reportGap(tree, gap, unexplained);
            }
        }
    }

    private void reportGap(final int tree, final Range gap, final long unexplained) {
        final long[] branches = Saved.branchesOf(gap);
        final String what = tree == OpenedStore.HEAD ? " head" : " snapshots";
        final String how = "a node is lost: what was not found elsewhere is lost"
                + (unexplained < 0 ? "" : ", " + unexplained + " chunks at most in all");
        catalogue.chunksByBranch(branches[0], branches[1]).forEach((branch, chunks) -> {
            final long from = branch == branches[0] ? Key.b(gap.fromHi(), gap.fromLo()) : 0;
            final long end = branch == Key.a(gap.endHi())
                    ? Math.min(chunks, Key.b(gap.endHi(), gap.endLo()) + (Key.c(gap.endLo()) > 0 ? 1 : 0))
                    : chunks;
            // A node's keys are where its extents begin; the last one reaches further.
            // Zeroes that hide a parent's chunk are in no block: nothing tells whether all of them were found.
            if (from < chunks && (unexplained != 0 || catalogue.hasParent(branch))) {
                losses.add(new Finding(
                        catalogue.nameOf(branch) + what + " offset " + from * BLOCK_LENGTH + " length "
                                + Math.max(1, end - from) * BLOCK_LENGTH,
                        how));
            }
        });
    }

    /** Blocks that were in use and are neither nodes nor saved. */
    private long unexplained() {
        long count = 0;
        final Set<Long> homes = new HashSet<>();
        for (int i = 0; i < base.redirects.length; i += 3) {
            homes.add(base.redirects[i]);
            homes.add(base.redirects[i + 1]);
        }
        homes.addAll(leaves.damaged());
        commit.spills(problem -> {}).forEach(spill -> homes.add(spill.block()));
        for (long block = 0; block < allocated.blockCount(); block++) {
            if (allocated.get(block) && !owned.get(block) && !nodeBlocks.get(block) && !homes.contains(block)) {
                count++;
            }
        }
        return count;
    }

    // ---- 5 to 7

    /** The new trees, their space map, their superblock. */
    private final class Rebuilding {
        private final BlockDevice device;
        private final boolean inPlace;

        /** In use in the result. */
        private final BlockBits used = new BlockBits(scan.blockCount());

        /** Must not be written. */
        private final BlockBits taken = new BlockBits(scan.blockCount());

        private final Superblock next = new Superblock();
        private long cursor;
        private boolean blankOnly = true;

        Rebuilding(final BlockDevice device) {
            this.device = device;
            inPlace = device == source;
        }

        void run() {
            if (geometry == null) {
                geometry = geometryWithoutSuperblock();
            }
            taken.or(owned);
            taken.or(scan.unreadable());
            if (inPlace) {
                taken.or(nodeBlocks);
            }
            for (int slot = 0; slot < geometry.slotBlocks(blockCount); slot++) {
                taken.set(geometry.slotBlock(slot));
            }
            describe();
            if (inPlace && base != null) {
                reserveGenerations();
            } else if (inPlace) {
                mark();
            }
            buildTrees();
            buildSpace();
            publish();
        }

        /** The smallest stride whose slots no data has; that of the store itself is such a one. */
        private SlotGeometry geometryWithoutSuperblock() {
            for (int stride = SlotGeometry.forNewStore(blockCount).strideBlocks(); ; stride *= 2) {
                final SlotGeometry guess = new SlotGeometry(SlotGeometry.SEGMENT_BLOCKS, stride);
                boolean free = true;
                for (int slot = 0; slot < guess.slotBlocks(blockCount); slot++) {
                    free &= !owned.get(guess.slotBlock(slot)) && !(inPlace && nodeBlocks.get(guess.slotBlock(slot)));
                }
                if (free || guess.groups(blockCount) == 1) {
                    return guess;
                }
            }
        }

        private void describe() {
            long newest = nodes.newestGeneration();
            for (final Superblock found : scan.superblocks()) {
                newest = found.storeId.equals(storeId) ? Math.max(newest, found.generation) : newest;
            }
            next.storeId = storeId;
            next.label = base == null ? LABEL_LOST : base.label;
            next.generation = newest + GENERATION_JUMP + 1;
            next.nonce = new SecureRandom().nextLong();
            next.timeMillis = clock.millis();
            next.flags = SuperblockLayout.FLAG_PAYLOAD_FLUSHED;
            next.blockCount = blockCount;
            next.segmentBlocks = geometry.segmentBlocks();
            next.slotStrideBlocks = geometry.strideBlocks();
            next.cursor = SlotGeometry.GROUP_SLOTS;
        }

        /** Should this be cut off, no commit that comes after may have the generation of a node that is written now. */
        private void reserveGenerations() {
            final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
            base.encode(image, 0, base.block);
            final Superblock again = Superblock.decode(image, 0, base.block);
            again.generation = next.generation - 1;
            again.parentGeneration = base.generation;
            again.nonce = next.nonce;
            again.timeMillis = next.timeMillis;
            again.flags = SuperblockLayout.FLAG_PAYLOAD_FLUSHED | SuperblockLayout.FLAG_OPENING;
            again.runs = new long[0];
            again.blockCount = Math.min(again.blockCount, next.blockCount);
            new Publication(device, geometry, again, slotsOf(base.generation)).publish();
        }

        /** The same where there is no superblock: a later repair must not take nodes of this one for the newest state. */
        private void mark() {
            final RepairMarker before = scan.markers().values().stream()
                    .filter(found -> found.storeId().equals(storeId))
                    .findFirst()
                    .orElse(new RepairMarker(storeId, next.generation - 1));
            for (final long block : markerBlocks()) {
                device.write(block * BLOCK_LENGTH, before.encode(block), 0, BLOCK_LENGTH);
            }
            device.flush();
        }

        /** The last slots of the first and of the last group. */
        private long[] markerBlocks() {
            final int slots = (int) geometry.slotBlocks(blockCount);
            return new long[] {geometry.slotBlock(SlotGeometry.GROUP_SLOTS - 1), geometry.slotBlock(slots - 1)};
        }

        private void unmark() {
            final Set<Long> marked = new HashSet<>(scan.markers().keySet());
            for (final long block : markerBlocks()) {
                marked.add(block);
            }
            final UnsafeBuffer zeroes = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
            for (final long block : marked) {
                device.write(block * BLOCK_LENGTH, zeroes, 0, BLOCK_LENGTH);
            }
            device.flush();
        }

        private Set<Long> slotsOf(final long generation) {
            final Set<Long> slots = new HashSet<>();
            for (final Superblock copy :
                    new SuperblockSlots(device, geometry).readAll(true).copies()) {
                if (copy.generation == generation) {
                    slots.add(copy.block);
                }
            }
            return slots;
        }

        private long takeBlock() {
            while (true) {
                for (; cursor < blockCount; cursor++) {
                    // Blank ones first: others may hold what a better repair than this one could read.
                    if (!taken.get(cursor) && (!blankOnly || scan.blank().get(cursor) || !inPlace)) {
                        taken.set(cursor);
                        used.set(cursor);
                        return cursor++;
                    }
                }
                if (!blankOnly) {
                    throw new NoSpaceException("no room to repair in place: " + device.name());
                }
                blankOnly = false;
                cursor = 0;
            }
        }

        private TreeBuilder builder(final int tree) {
            return new TreeBuilder(device, storeId, next.generation, tree, this::takeBlock);
        }

        private void buildTrees() {
            final UnsafeBuffer value = new UnsafeBuffer(new byte[TreeEntry.VALUE_LENGTH_MAX]);
            final UnsafeBuffer data = new UnsafeBuffer(new byte[COPY_BLOCKS_MAX * BLOCK_LENGTH]);
            for (int tree = OpenedStore.HEAD; tree <= OpenedStore.HISTORY; tree++) {
                final TreeBuilder builder = builder(tree);
                Saved.each(leaves, pieces.get(tree), tree, window -> {
                    window.removeIf(candidate -> !saved.isKept(candidate));
                    window.sort((one, other) -> one.chunk() != other.chunk()
                            ? Long.compare(one.chunk(), other.chunk())
                            : Long.compare(one.birth(), other.birth()));
                    for (final Candidate candidate : window) {
                        keep(candidate, data);
                        builder.add(
                                Key.hi(candidate.branch(), candidate.chunk()),
                                Key.lo(candidate.chunk(), candidate.history() ? candidate.birth() : 0),
                                value,
                                0,
                                candidate.encode(value));
                    }
                });
                builder.finish(next);
            }
            final TreeBuilder records = builder(OpenedStore.CATALOGUE);
            catalogue.catalogue(records::add);
            records.finish(next);
            final TreeBuilder regions = builder(OpenedStore.REGIONS);
            catalogue.regions(regions::add);
            regions.finish(next);
        }

        private void keep(final Candidate candidate, final UnsafeBuffer data) {
            if (candidate.zeroes()) {
                return;
            }
            for (long block = candidate.block(); block < candidate.block() + candidate.length(); block++) {
                used.set(block);
            }
            if (!inPlace) {
                copy(candidate, data);
            }
        }

        private void copy(final Candidate candidate, final UnsafeBuffer data) {
            final int length = candidate.length() * BLOCK_LENGTH;
            try {
                source.read(candidate.block() * BLOCK_LENGTH, data, 0, length);
            } catch (final StoreException ex) {
                losses.add(new Finding(place(candidate), "cannot be read: " + ex.getMessage()));
                return;
            }
            device.write(candidate.block() * BLOCK_LENGTH, data, 0, length);
        }

        /** The space tree counts its own nodes: it takes blocks enough beforehand, and gives back what is left over. */
        private void buildSpace() {
            final int segmentBlocks = geometry.segmentBlocks();
            final long segments = (blockCount + segmentBlocks - 1) / segmentBlocks;
            final List<Long> room = new ArrayList<>();
            for (long i = 0; i < segments / 20 + segments / 1000 + 4; i++) {
                room.add(takeBlock());
            }
            final TreeBuilder builder =
                    new TreeBuilder(device, storeId, next.generation, OpenedStore.SPACE, () -> room.remove(0));
            final UnsafeBuffer value = new UnsafeBuffer(new byte[TreeEntry.VALUE_LENGTH_MAX]);
            for (long segment = 0; segment < segments; segment++) {
                final long[] words = new long[segmentBlocks / 64];
                for (int bit = 0; bit < segmentBlocks && segment * segmentBlocks + bit < blockCount; bit++) {
                    if (used.get(segment * segmentBlocks + bit)) {
                        words[bit >> 6] |= 1L << bit;
                    }
                }
                final int length = SpaceTree.encode(words, segmentBlocks, value);
                if (length > 0) {
                    builder.add(Key.hi(0, segment), Key.lo(segment, 0), value, 0, length);
                }
            }
            builder.finish(next);
            giveBack(room);
        }

        private void giveBack(final List<Long> room) {
            final List<long[]> runs = new ArrayList<>();
            for (final long block : room) {
                final long[] last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
                if (last != null && last[0] + last[1] == block && last[1] < Short.MAX_VALUE) {
                    last[1]++;
                } else {
                    runs.add(new long[] {block, 1});
                }
            }
            next.space = new long[2 * runs.size()];
            for (int i = 0; i < runs.size(); i++) {
                next.space[2 * i] = runs.get(i)[0];
                next.space[2 * i + 1] = -runs.get(i)[1];
            }
            next.usedBlocks = used.count() - room.size();
        }

        /** 7. The result is checked before it is one. */
        private void publish() {
            final Set<Long> keep = slotsOf(next.generation - 1);
            final boolean marking = inPlace && base == null;
            if (marking) {
                for (final long block : markerBlocks()) {
                    keep.add(block);
                }
            }
            final Publication publication = new Publication(device, geometry, next, keep);
            final Overlay result = new Overlay(device);
            for (final long slot : publication.slots()) {
                result.put(slot, publication.copyFor(slot));
            }
            final CheckReport report = check(result);
            if (!report.ok()) {
                throw new StoreException("repair would not be consistent, nothing is changed: "
                        + report.errors().get(0) + ": " + device.name());
            }
            publication.publish();
            if (marking) {
                unmark();
            }
        }
    }
}
