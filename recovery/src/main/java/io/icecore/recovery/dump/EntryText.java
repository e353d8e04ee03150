package io.icecore.recovery.dump;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.SpaceTree;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.RegionBitmap;
import io.icecore.volume.map.Extent;
import java.util.BitSet;

/** Entries of nodes in words. What cannot be decoded says so instead of failing. */
final class EntryText {
    private final TreeEntry entry = new TreeEntry();
    private final Extent extent = new Extent();
    private final RegionBitmap regions = new RegionBitmap();
    private final int segmentBlocks;

    EntryText(final int segmentBlocks) {
        this.segmentBlocks = segmentBlocks;
    }

    /** The key of an entry in the three numbers that it is made of. */
    static String key(final NodePage page, final int index) {
        final long hi = page.hi(index);
        final long lo = page.lo(index);
        return "(" + Key.a(hi) + ", " + Key.b(hi, lo) + ", " + Key.c(lo) + ")";
    }

    String of(final NodePage page, final int index) {
        final String key = key(page, index) + " ";
        if (page.level() > 0) {
            return key + "child block " + page.childBlock(index) + " generation " + page.childGeneration(index);
        }
        try {
            return key + value(page, index);
        } catch (final CorruptStoreException ex) {
            return key + "damaged: " + ex.getMessage();
        }
    }

    private String value(final NodePage page, final int index) {
        entry.copy(page, index);
        return switch (page.tree()) {
            case OpenedStore.CATALOGUE -> CatalogueRecord.decode(entry).toString();
            case OpenedStore.HEAD -> extent.read(page, index, false).toString();
            case OpenedStore.RECENT, OpenedStore.HISTORY ->
                extent.read(page, index, true).toString();
            case OpenedStore.REGIONS -> regions();
            default -> space();
        };
    }

    private String space() {
        final long[] words = new long[segmentBlocks / Long.SIZE];
        SpaceTree.decode(entry, entry.b(), segmentBlocks, words);
        final BitSet used = BitSet.valueOf(words);
        final StringBuilder text = new StringBuilder();
        for (int from = used.nextSetBit(0); from >= 0; from = used.nextSetBit(used.nextClearBit(from))) {
            final long first = entry.b() * segmentBlocks + from;
            text.append(' ').append(CommitText.range(first, used.nextClearBit(from) - from));
        }
        return used.cardinality() + " blocks used:" + text;
    }

    private String regions() {
        regions.clear();
        regions.orEncoded(entry.value, 0, entry.length());
        final StringBuilder text = new StringBuilder();
        final long base = entry.c() << RegionBitmap.CONTAINER_SHIFT;
        for (int from = regions.nextSet(0); from >= 0; from = regions.nextSet(regions.nextClear(from))) {
            text.append(' ').append(CommitText.range(base + from, regions.nextClear(from) - from));
        }
        return regions.cardinality() + " regions:" + text;
    }
}
