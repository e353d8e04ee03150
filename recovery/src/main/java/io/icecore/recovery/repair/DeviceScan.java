package io.icecore.recovery.repair;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.SuperblockLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.agrona.concurrent.UnsafeBuffer;

/** Reads every block of a device once: which of them are whole nodes or superblocks, of which store, and which are blank. */
final class DeviceScan {
    private static final int BATCH_BLOCKS = 256;
    private static final int NODE_MAGIC = 0x4E45_4349;
    private static final int NODE_STORE_ID_INDEX = 32;

    /** Nodes of one store. */
    static final class OfStore {
        final FoundNodes nodes = new FoundNodes();
        final BlockBits blocks;

        OfStore(final long blockCount) {
            blocks = new BlockBits(blockCount);
        }
    }

    private final BlockDevice device;
    private final long blockCount;
    private final UnsafeBuffer batch = new UnsafeBuffer(
            ByteBuffer.allocateDirect((BATCH_BLOCKS + 1) * BLOCK_LENGTH).alignedSlice(BLOCK_LENGTH));
    private final Map<UUID, OfStore> stores = new HashMap<>();
    private final List<Superblock> superblocks = new ArrayList<>();
    private final Map<Long, RepairMarker> markers = new HashMap<>();
    private final BlockBits blank;
    private final BlockBits unreadable;
    private long brokenNodes;

    DeviceScan(final BlockDevice device) {
        this.device = device;
        blockCount = device.length() / BLOCK_LENGTH;
        blank = new BlockBits(blockCount);
        unreadable = new BlockBits(blockCount);
    }

    void run(final StoreRepair.Progress progress) {
        for (long block = 0; block < blockCount; block += BATCH_BLOCKS) {
            progress.blocks(block, blockCount);
            final int count = (int) Math.min(BATCH_BLOCKS, blockCount - block);
            try {
                device.readMedium(block * BLOCK_LENGTH, batch, 0, count * BLOCK_LENGTH);
                for (int i = 0; i < count; i++) {
                    look(block + i, i * BLOCK_LENGTH);
                }
            } catch (final StoreException ex) {
                each(block, count);
            }
        }
        stores.values().forEach(store -> store.nodes.sort());
    }

    private void each(final long first, final int count) {
        for (long block = first; block < first + count; block++) {
            try {
                device.readMedium(block * BLOCK_LENGTH, batch, 0, BLOCK_LENGTH);
            } catch (final StoreException ex) {
                unreadable.set(block);
                continue;
            }
            look(block, 0);
        }
    }

    private void look(final long block, final int index) {
        final long begin = batch.getLong(index, ByteOrder.LITTLE_ENDIAN);
        try {
            if (begin == 0) {
                if (isBlank(index)) {
                    blank.set(block);
                }
            } else if (begin == RepairMarker.MAGIC) {
                marker(RepairMarker.decode(batch, index, block), block);
            } else if (begin == SuperblockLayout.MAGIC) {
                superblocks.add(Superblock.decode(batch, index, block));
            } else if ((int) begin == NODE_MAGIC) {
                node(block, index);
            }
        } catch (final CorruptStoreException ex) {
            brokenNodes += (int) begin == NODE_MAGIC ? 1 : 0; // Else it is no structure at all.
        }
    }

    private void marker(final RepairMarker marker, final long block) {
        if (marker != null) {
            markers.put(block, marker);
        }
    }

    private boolean isBlank(final int index) {
        for (int at = index; at < index + BLOCK_LENGTH; at += Long.BYTES) {
            if (batch.getLong(at) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Nodes of later generations belong to no commit that was completed. */
    void forgetAfter(final UUID storeId, final long generation) {
        of(storeId).nodes.forgetAfter(generation);
    }

    private void node(final long block, final int index) {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        image.putBytes(0, batch, index, BLOCK_LENGTH);
        final UUID storeId = new UUID(
                image.getLong(NODE_STORE_ID_INDEX, ByteOrder.LITTLE_ENDIAN),
                image.getLong(NODE_STORE_ID_INDEX + Long.BYTES, ByteOrder.LITTLE_ENDIAN));
        final NodePage page = new NodePage(image).verifyIdentity("node", storeId, block);
        final OfStore store = stores.computeIfAbsent(storeId, id -> new OfStore(blockCount));
        store.blocks.set(block);
        store.nodes.add(page);
    }

    /** Of repairs that have begun, by block. */
    Map<Long, RepairMarker> markers() {
        return markers;
    }

    /** Whole superblocks, wherever they are. */
    List<Superblock> superblocks() {
        return superblocks;
    }

    Map<UUID, OfStore> stores() {
        return stores;
    }

    OfStore of(final UUID storeId) {
        return stores.getOrDefault(storeId, new OfStore(blockCount));
    }

    /** Whether some block has been a node, or may have been, that nobody can tell any more. */
    boolean torn() {
        return brokenNodes > 0 || unreadable.count() > 0;
    }

    long blockCount() {
        return blockCount;
    }

    BlockBits blank() {
        return blank;
    }

    BlockBits unreadable() {
        return unreadable;
    }
}
