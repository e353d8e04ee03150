package io.icecore.store.commit;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.SpillLayout;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.SuperblockLayout;
import io.icecore.store.log.UncoveredBlocks;
import io.icecore.store.space.SlotGeometry;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the newest complete commit and stands on it: the other half of {@link Committer}'s protocol. Steps are numbered
 * as in docs/architecture.md. There is no log to replay: what it reads is bounded by the format.
 *
 * <p>What a crash during commit n leaves, D being its parent, the newest durable commit:
 * <pre>
 *   neither copy of superblock n arrived         top is D                            open D
 *   a copy of n, all runs that it names match    top is n, complete, perhaps unacknowledged   open n
 *   a copy of n, some run does not match         top is n, torn: its flush never returned     open D
 *   a copy of n, and a run cannot be read        no evidence of tearing                       refuse
 *   n torn and no copy of D                      not something a crash can do                 refuse
 * </pre>
 */
public final class Opener {
    private static final Logger LOG = LoggerFactory.getLogger(Opener.class);

    /** Opening moves the generation this far ahead of all it saw, so that an abandoned number never recurs. */
    private static final int GENERATION_JUMP = 16;

    private static final int READ_ONLY_ATTEMPTS = 20;
    private static final int LABEL_BYTES_MAX = SuperblockLayout.LABEL_LENGTH;

    /** Smallest store, in bytes: four segments. */
    public static final long LENGTH_MIN = 16L << 20;

    private Opener() {}

    // ---- format

    /** Makes an empty store of the whole device. */
    public static void format(final BlockDevice device, final String label, final Clock clock) {
        final long blockCount = device.length() / BLOCK_LENGTH;
        if (device.length() < LENGTH_MIN) {
            throw new IllegalArgumentException(
                    "store size: " + device.length() + " bytes (expected: at least " + LENGTH_MIN + ")");
        }
        if (label.isEmpty() || label.length() > LABEL_BYTES_MAX || !label.matches("[A-Za-z0-9.-]+")) {
            throw new IllegalArgumentException(
                    "store label: '" + label + "' (expected: 1 to 32 letters, digits, dots or dashes)");
        }
        final SlotGeometry geometry = SlotGeometry.forNewStore(blockCount);
        final SuperblockSlots slots = new SuperblockSlots(device, geometry);
        slots.wipe(blockCount);
        device.flush();
        final Superblock first = new Superblock();
        first.storeId = UUID.randomUUID();
        first.label = label;
        first.generation = 1;
        first.nonce = new SecureRandom().nextLong();
        first.timeMillis = clock.millis();
        first.flags = SuperblockLayout.FLAG_PAYLOAD_FLUSHED;
        first.blockCount = blockCount;
        first.segmentBlocks = geometry.segmentBlocks();
        first.slotStrideBlocks = geometry.strideBlocks();
        first.cursor = SlotGeometry.GROUP_SLOTS;
        final long[] own = slots.announce(Set.of(), first.cursor, 1, blockCount);
        final long[] next = slots.announce(Set.of(own[0], own[1]), first.cursor, 2, blockCount);
        first.nextSlots[0] = next[0];
        first.nextSlots[1] = next[1];
        slots.write(first, own);
        device.flush();
    }

    // ---- opening

    /**
     * Opens for reading and writing.
     *
     * @throws CorruptStoreException when the newest acknowledged commit cannot be had
     */
    public static OpenedStore open(final BlockDevice device, final int cacheNodes, final Clock clock) {
        device.flush(); // 1. A dead process may have left its cache dirty.
        final SlotGeometry geometry = SuperblockSlots.find(device);
        final SuperblockSlots slots = new SuperblockSlots(device, geometry);
        final SuperblockSlots.Contents contents = slots.readAll(true);
        final List<Superblock> copies = copiesOfOneStore(contents, device); // 2.
        final Superblock top = newest(copies); // 3.
        refuseIfNewerIsOfUnknownFormat(contents, top);
        refuseIfNewerMayBeUnreadable(contents, top, device);
        final Superblock chosen = complete(top, device, true) ? top : parentOf(top, copies, device); // 4.
        if (chosen.readOnlyFeatures()) {
            throw new StoreException("store has features that this program may only read: " + device.name());
        }
        if (truncated(chosen, device) != null) {
            throw truncated(chosen, device);
        }
        slots.avoid(contents.unreadable());
        slots.protect(slotsOf(copies, chosen.parentGeneration));
        slots.protect(slotsOf(copies, chosen.generation));
        final OpenedStore store = stand(device, geometry, slots, chosen, cacheNodes); // 5.
        if (!contents.damaged().isEmpty()) { // 6. What was half written stays so, for ever.
            slots.blank(contents.damaged());
            device.flush();
        }
        store.current = openingCommit(store, chosen, top, clock); // 7.
        LOG.info(
                "opened store: device={} storeId={} generation={} usedBlocks={}/{}",
                device.name(),
                chosen.storeId,
                store.current.generation,
                chosen.usedBlocks,
                chosen.blockCount);
        return store; // 8. Nothing is pinned.
    }

    /** Opens the newest complete commit without writing anything; a writer may be at work on the same device. */
    public static OpenedStore openReadOnly(final BlockDevice device, final int cacheNodes) {
        final SlotGeometry geometry = SuperblockSlots.find(device);
        final SuperblockSlots slots = new SuperblockSlots(device, geometry);
        Superblock chosen = newestReadable(device, slots);
        if (truncated(chosen, device) != null) { // What is left can be read, and may be all that there is.
            LOG.warn("{}", truncated(chosen, device).getMessage());
        }
        for (int attempt = 1; ; attempt++) {
            try {
                return stand(device, geometry, slots, chosen, cacheNodes);
            } catch (final CorruptStoreException ex) {
                final Superblock newer = newestReadable(device, slots);
                if (newer.generation == chosen.generation || attempt == READ_ONLY_ATTEMPTS) {
                    throw ex;
                }
                chosen =
                        newer; // The writer has moved on, and may have used the spill nodes' blocks for something else.
            }
        }
    }

    /** The newest complete commit, as a reader beside a writer sees it. */
    public static Superblock newestReadable(final BlockDevice device, final SuperblockSlots slots) {
        CorruptStoreException failure = null;
        for (int attempt = 0; attempt < READ_ONLY_ATTEMPTS; attempt++) {
            final SuperblockSlots.Contents contents = slots.readAll(false);
            final List<Superblock> copies = copiesOfOneStore(contents, device);
            final Superblock top = newest(copies);
            refuseIfNewerIsOfUnknownFormat(contents, top);
            try {
                return complete(top, device, false) ? top : parentOf(top, copies, device);
            } catch (final CorruptStoreException ex) {
                failure = ex; // A writer may have moved on between two reads: look again.
            }
        }
        throw failure;
    }

    /** Null when the device holds all of the store. */
    private static CorruptStoreException truncated(final Superblock chosen, final BlockDevice device) {
        final long length = chosen.blockCount * BLOCK_LENGTH;
        return length <= device.length()
                ? null
                : new CorruptStoreException(
                        "store",
                        0,
                        "device is " + device.length() + " bytes (expected: at least " + length + "); truncated: "
                                + device.name());
    }

    /** 2. Copies with good checksum, own block and known format, all of one store. */
    private static List<Superblock> copiesOfOneStore(
            final SuperblockSlots.Contents contents, final BlockDevice device) {
        if (contents.copies().isEmpty()) {
            if (contents.unknownFormat() != null) {
                throw contents.unknownFormat();
            }
            throw new CorruptStoreException("store", 0, "no superblock can be read: " + device.name());
        }
        final UUID storeId = contents.copies().get(0).storeId;
        final List<Superblock> copies = new ArrayList<>();
        for (final Superblock copy : contents.copies()) {
            if (copy.storeId.equals(storeId)) {
                copies.add(copy);
            } else {
                LOG.warn("superblock of another store ignored: device={} block={}", device.name(), copy.block);
            }
        }
        return copies;
    }

    /** 3. The highest generation; two that differ under one number come from two writers. */
    private static Superblock newest(final List<Superblock> copies) {
        Superblock top = copies.get(0);
        for (final Superblock copy : copies) {
            if (copy.generation > top.generation) {
                top = copy;
            }
        }
        for (final Superblock copy : copies) {
            if (copy.generation == top.generation && copy.nonce != top.nonce) {
                throw new CorruptStoreException(
                        "superblock",
                        copy.block * BLOCK_LENGTH,
                        "generation " + copy.generation + " was written by two writers (the other at block " + top.block
                                + ")");
            }
        }
        return top;
    }

    /** A newer program has written since: what this one can read is the past, and must not become the present again. */
    private static void refuseIfNewerIsOfUnknownFormat(final SuperblockSlots.Contents contents, final Superblock top) {
        if (contents.unknownFormat() != null && contents.unknownFormat().generation() > top.generation) {
            throw contents.unknownFormat();
        }
    }

    private static void refuseIfNewerMayBeUnreadable(
            final SuperblockSlots.Contents contents, final Superblock top, final BlockDevice device) {
        for (final long slot : top.nextSlots) {
            if (contents.unreadable().contains(slot)) {
                throw new StoreException(
                        "superblock slot at block " + slot + " cannot be read and may hold a commit newer"
                                + " than generation " + top.generation + ": " + device.name());
            }
        }
    }

    /** 4. True when every block that no flush covered before the superblock was written is there. */
    private static boolean complete(final Superblock top, final BlockDevice device, final boolean medium) {
        if (top.payloadFlushed()) {
            return true;
        }
        long longest = 0;
        for (int i = 0; i < top.runs.length; i += 3) {
            final long block = top.runs[i];
            final long count = top.runs[i + 1];
            if (count < 1 || count > UncoveredBlocks.BLOCKS_MAX || block + count > top.blockCount) {
                throw new CorruptStoreException(
                        "superblock", top.block * BLOCK_LENGTH, "payload run of " + count + " blocks at " + block);
            }
            longest = Math.max(longest, count);
        }
        final UnsafeBuffer buffer = new UnsafeBuffer(
                ByteBuffer.allocateDirect(((int) longest + 1) * BLOCK_LENGTH).alignedSlice(BLOCK_LENGTH));
        for (int i = 0; i < top.runs.length; i += 3) {
            final long block = top.runs[i];
            final int count = (int) top.runs[i + 1];
            if (medium) { // A read error is no evidence of tearing: it is thrown to the caller.
                device.readMedium(block * BLOCK_LENGTH, buffer, 0, count * BLOCK_LENGTH);
            } else {
                device.read(block * BLOCK_LENGTH, buffer, 0, count * BLOCK_LENGTH);
            }
            if (UncoveredBlocks.runChecksum(buffer, count) != top.runs[i + 2]) {
                LOG.warn(
                        "newest commit is torn, as a power loss leaves it: device={} generation={} block={} count={}",
                        device.name(),
                        top.generation,
                        block,
                        count);
                return false;
            }
        }
        return true;
    }

    /** The parent that a torn commit names, one step and never further: that it was named proves it durable. */
    private static Superblock parentOf(final Superblock top, final List<Superblock> copies, final BlockDevice device) {
        for (final Superblock copy : copies) {
            if (copy.generation == top.parentGeneration) {
                LOG.warn("opening the parent: device={} generation={}", device.name(), copy.generation);
                return copy;
            }
        }
        throw new CorruptStoreException(
                "superblock",
                top.block * BLOCK_LENGTH,
                "generation " + top.generation + " is incomplete and its parent " + top.parentGeneration
                        + " is not there: damage, not a power loss");
    }

    private static Set<Long> slotsOf(final List<Superblock> copies, final long generation) {
        final Set<Long> slots = new HashSet<>();
        for (final Superblock copy : copies) {
            if (copy.generation == generation) {
                slots.add(copy.block);
            }
        }
        return slots;
    }

    /** 5. Roots, redirects, spill chain, space log. */
    private static OpenedStore stand(
            final BlockDevice device,
            final SlotGeometry geometry,
            final SuperblockSlots slots,
            final Superblock chosen,
            final int cacheNodes) {
        final OpenedStore store = new OpenedStore(device, geometry, slots, chosen, cacheNodes);
        store.forest.load(chosen);
        final List<SpillLayout.Spill> chain = new ArrayList<>();
        final List<long[]> addresses = new ArrayList<>();
        long block = chosen.spillBlock;
        long generation = chosen.spillGeneration;
        while (block != 0) {
            if (chain.size() > 1024 || block >= chosen.blockCount) {
                throw new CorruptStoreException("spill node", block * BLOCK_LENGTH, "chain does not end");
            }
            final SpillLayout.Spill spill =
                    SpillLayout.decode(store.reader.readNode(block).image(), chosen.storeId, block, generation);
            chain.add(0, spill);
            addresses.add(0, new long[] {block, generation});
            block = spill.previousBlock();
            generation = spill.previousGeneration();
        }
        for (int i = 0; i < chain.size(); i++) {
            replay(store, chain.get(i).entries());
            store.space.log().takeOldest(store.space.log().size());
            store.space.log().spilled(addresses.get(i)[0], addresses.get(i)[1]);
        }
        replay(store, chosen.space);
        return store;
    }

    private static void replay(final OpenedStore store, final long[] entries) {
        for (int i = 0; i < entries.length; i += 2) {
            store.space.replay(entries[i], entries[i + 1]);
        }
    }

    /** 7. Makes the choice durable before anything is served, under a number never seen. */
    private static Superblock openingCommit(
            final OpenedStore store, final Superblock chosen, final Superblock top, final Clock clock) {
        final Superblock opening = new Superblock();
        opening.storeId = chosen.storeId;
        opening.label = chosen.label;
        opening.readOnlyCompatible = chosen.readOnlyCompatible;
        opening.generation = top.generation + GENERATION_JUMP;
        opening.parentGeneration = chosen.generation;
        opening.nonce = new SecureRandom().nextLong();
        opening.timeMillis = clock.millis();
        opening.flags = SuperblockLayout.FLAG_OPENING | SuperblockLayout.FLAG_PAYLOAD_FLUSHED;
        opening.blockCount = chosen.blockCount;
        opening.segmentBlocks = chosen.segmentBlocks;
        opening.slotStrideBlocks = chosen.slotStrideBlocks;
        opening.cursor = chosen.cursor;
        opening.usedBlocks = chosen.usedBlocks;
        opening.spillBlock = chosen.spillBlock;
        opening.spillGeneration = chosen.spillGeneration;
        opening.redirects = chosen.redirects;
        opening.space = chosen.space;
        opening.notes = chosen.notes;
        System.arraycopy(chosen.rootBlocks, 0, opening.rootBlocks, 0, chosen.rootBlocks.length);
        System.arraycopy(chosen.rootGenerations, 0, opening.rootGenerations, 0, chosen.rootGenerations.length);
        System.arraycopy(chosen.rootLevels, 0, opening.rootLevels, 0, chosen.rootLevels.length);
        final long[] own = store.slots.announce(
                store.slots.protectedSlots(opening.blockCount), opening.cursor, opening.generation, opening.blockCount);
        final long[] next = store.slots.announce(
                Set.of(own[0], own[1]), opening.cursor, opening.generation + 1, opening.blockCount);
        opening.nextSlots[0] = next[0];
        opening.nextSlots[1] = next[1];
        final Set<Long> written = store.slots.write(opening, own);
        store.device.flush();
        store.slots.protect(written);
        return opening;
    }
}
