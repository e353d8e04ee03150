package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.SlotGeometry;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.map.Extent;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A store that is as small as can be and has every structure in it, each under its name; and what its volume and its
 * snapshots hold, byte by byte.
 */
final class EveryStructure {
    private static final int CHUNKS = 256;
    private static final int BYTES = CHUNKS * BLOCK_LENGTH;
    private static final String VOLUME = "vm1";

    /** Whatever is there, nobody looks at it. */
    static final Set<String> UNUSED = Set.of(
            "superblock of the parent",
            "older superblock",
            "empty superblock slot",
            "old block of a redirect",
            "data of a deleted snapshot",
            "freed block",
            "block never written");

    static final String HEAD_DATA = "data of the head";
    static final String HISTORY_DATA = "data of the history";

    final SimBlockDevice device;

    /** What each head and snapshot holds, by its spec. */
    final Map<String, byte[]> contents = new TreeMap<>();

    /** Blocks by what they are. */
    final Map<String, List<Long>> blocks = new LinkedHashMap<>();

    private final SplittableRandom random = new SplittableRandom(11);
    private final byte[] head = new byte[BYTES];
    private final Superblock newest;

    EveryStructure() {
        final SimBlockDevice fresh = new SimBlockDevice(16 << 20, 11);
        Store.format(fresh, "every");
        final Catalog catalog = Catalog.open(Store.open(fresh), Clock.systemUTC());
        fill(catalog);
        catalog.close();
        device = fresh.kill();
        newest = superblocks();
        nodesAndSpills();
        rest();
    }

    // ---- making it

    /** Chunks that stand alone, so that each is an extent, and the maps have inner nodes. */
    private void fill(final Catalog catalog) {
        catalog.createVolume(VOLUME, BYTES);
        catalog.setPolicy(VOLUME, "--every 5m --keep 1h:all");
        for (int round = 0; round < 4; round++) {
            if (round == 3) {
                while (catalog.drainStep()) {
                    // Until the history has all, and what comes now is recent.
                }
            }
            for (int chunk = 0; chunk < CHUNKS; chunk += 2) {
                write(catalog, chunk);
            }
            final String name = "s" + round;
            catalog.createSnapshots(List.of(VOLUME), name, Map.of("round", name));
            contents.put(VOLUME + "@" + name, head.clone());
        }
        RandomHistory.churn(catalog.store());
        for (int chunk = CHUNKS / 2 + 1; chunk < CHUNKS; chunk += 2) { // A leaf is split, and its parent written.
            write(catalog, chunk);
        }
        catalog.store().commit();
        for (int round = 0; round < 20; round++) { // The first leaves are written again, their parents are not.
            write(catalog, random.nextInt(10) * 2);
        }
        catalog.store().grow(24 << 20); // New groups of slots, where nothing is yet.
        catalog.deleteSnapshots(List.of(catalog.snapshots(VOLUME).get(1))); // And not reclaimed.
        contents.remove(VOLUME + "@s1");
        contents.put(VOLUME, head);
    }

    private void write(final Catalog catalog, final int chunk) {
        final byte[] bytes = new byte[BLOCK_LENGTH];
        random.nextBytes(bytes);
        System.arraycopy(bytes, 0, head, chunk * BLOCK_LENGTH, BLOCK_LENGTH);
        try (Export export = catalog.exports().open(VOLUME)) {
            export.write((long) chunk * BLOCK_LENGTH, new UnsafeBuffer(bytes), 0, BLOCK_LENGTH, false);
        }
    }

    // ---- what is where

    private Superblock superblocks() {
        final SlotGeometry geometry = SuperblockSlots.find(device);
        final List<Superblock> copies =
                new SuperblockSlots(device, geometry).readAll(false).copies();
        Superblock top = copies.get(0);
        for (final Superblock copy : copies) {
            top = copy.generation > top.generation ? copy : top;
        }
        final Set<Long> taken = new HashSet<>();
        for (final Superblock copy : copies) {
            taken.add(copy.block);
            add(
                    copy.generation == top.generation
                            ? "superblock"
                            : copy.generation == top.parentGeneration ? "superblock of the parent" : "older superblock",
                    copy.block);
        }
        for (int slot = 0; slot < geometry.slotBlocks(top.blockCount); slot++) {
            if (!taken.contains(geometry.slotBlock(slot))) {
                add("empty superblock slot", geometry.slotBlock(slot));
            }
        }
        return top;
    }

    private void nodesAndSpills() {
        final CommitReader commit = new CommitReader(device, SuperblockSlots.find(device), newest);
        commit.spills(problem -> {
                    throw problem;
                })
                .forEach(spill -> add("spill node", spill.block()));
        new TreeWalk(commit, new TreeWalk.Visitor() {
                    @Override
                    public boolean node(final int tree, final int level, final long home, final NodePage page) {
                        final boolean redirected = home != page.block();
                        add(CommitReader.structure(tree, level) + (redirected ? ", redirected" : ""), page.block());
                        if (redirected) {
                            add("old block of a redirect", home);
                        }
                        if (level == 0 && OpenedStore.holdsExtents(tree)) {
                            extents(tree, page);
                        }
                        return true;
                    }

                    @Override
                    public void damaged(
                            final int tree, final int level, final long home, final StoreException problem) {
                        throw problem;
                    }
                })
                .all();
    }

    private void extents(final int tree, final NodePage leaf) {
        final Extent extent = new Extent();
        for (int entry = 0; entry < leaf.count(); entry++) {
            extent.read(leaf, entry, OpenedStore.holdsHistory(tree));
            for (long chunk = extent.chunk(); !extent.zeroes() && chunk < extent.end(); chunk++) {
                add(
                        tree == OpenedStore.HEAD
                                ? HEAD_DATA
                                : seen(extent) ? HISTORY_DATA : "data of a deleted snapshot",
                        extent.blockOf(chunk));
            }
        }
    }

    /** By a snapshot that was kept: all but the second. */
    private static boolean seen(final Extent extent) {
        return LongStream.of(1, 3, 4).anyMatch(epoch -> extent.birth() <= epoch && epoch < extent.death());
    }

    private void rest() {
        final Set<Long> known = new HashSet<>();
        blocks.values().forEach(known::addAll);
        final Set<Long> written = new HashSet<>();
        for (final long position : device.writtenPositions()) {
            written.add(position / BLOCK_LENGTH);
        }
        for (long block = 0; block < newest.blockCount; block++) {
            if (!known.contains(block)) {
                add(written.contains(block) ? "freed block" : "block never written", block);
            }
        }
    }

    private void add(final String structure, final long block) {
        blocks.computeIfAbsent(structure, name -> new ArrayList<>()).add(block);
    }

    // ---- the oracle

    /**
     * Opens the store on a device with some damage, and reads all that there is.
     *
     * @return what was detected, or null when all is as it should be
     */
    Detected open(final SimBlockDevice damaged) {
        final Catalog catalog;
        try {
            catalog = Catalog.open(Store.open(damaged), Clock.systemUTC());
        } catch (final StoreException ex) {
            return new Detected("refused", ex.getMessage());
        }
        Detected found = null;
        for (final Map.Entry<String, byte[]> content : contents.entrySet()) {
            try (Export export = catalog.exports().open(content.getKey())) {
                final byte[] bytes = new byte[BYTES];
                export.read(0, new UnsafeBuffer(bytes), 0, BYTES);
                assertThat(Arrays.equals(bytes, content.getValue()))
                        .as("%s is as it was written", content.getKey())
                        .isTrue();
            } catch (final StoreException ex) {
                found = new Detected("read fails", ex.getMessage());
            }
        }
        return found;
    }

    /** @param how which step noticed */
    record Detected(String how, String message) {}
}
