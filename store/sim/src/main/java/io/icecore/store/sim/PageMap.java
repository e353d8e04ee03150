package io.icecore.store.sim;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Sparse content in pages of {@value io.icecore.store.device.BlockDevice#BLOCK_LENGTH} bytes; what was never written is
 * zero.
 *
 * <p>Forking takes constant time, whatever the size: both sides share all pages, and each copies a page, and the path to
 * it, when it first writes there. A node or page may be changed in place only by the map whose {@code owner} it carries;
 * a fork gives both maps new owners, so that everything shared belongs to nobody. Not thread-safe; forks are independent
 * of each other.
 */
final class PageMap {
    private static final int FANOUT_BITS = 6;
    private static final int FANOUT = 1 << FANOUT_BITS;
    private static final byte[] ZEROES = new byte[BLOCK_LENGTH];

    private static final class Node {
        final Object owner;
        /** Nodes, or on the lowest level pages. */
        final Object[] children;
        /** On the lowest level: bit i is set when page i may be changed in place. */
        long ownedPages;

        /** Fingerprints of the children, 0 where it is not known; made when first asked for. */
        long[] fingerprints;

        Node(final Object owner, final Object[] children) {
            this.owner = owner;
            this.children = children;
        }
    }

    private Object owner = new Object();
    private Node root;
    /** Levels of nodes; the lowest holds pages. */
    private int height;

    PageMap() {
        root = new Node(owner, new Object[FANOUT]);
        height = 1;
    }

    private PageMap(final PageMap source) {
        root = source.root;
        height = source.height;
    }

    PageMap fork() {
        owner = new Object();
        return new PageMap(this);
    }

    void read(final long position, final MutableDirectBuffer target, final int targetIndex, final int length) {
        for (int done = 0; done < length; ) {
            final long at = position + done;
            final int offset = (int) (at % BLOCK_LENGTH);
            final int count = Math.min(BLOCK_LENGTH - offset, length - done);
            target.putBytes(targetIndex + done, pageForReading(at / BLOCK_LENGTH), offset, count);
            done += count;
        }
    }

    void read(final long position, final byte[] target, final int targetIndex, final int length) {
        for (int done = 0; done < length; ) {
            final long at = position + done;
            final int offset = (int) (at % BLOCK_LENGTH);
            final int count = Math.min(BLOCK_LENGTH - offset, length - done);
            System.arraycopy(pageForReading(at / BLOCK_LENGTH), offset, target, targetIndex + done, count);
            done += count;
        }
    }

    void write(final long position, final DirectBuffer source, final int sourceIndex, final int length) {
        for (int done = 0; done < length; ) {
            final long at = position + done;
            final int offset = (int) (at % BLOCK_LENGTH);
            final int count = Math.min(BLOCK_LENGTH - offset, length - done);
            source.getBytes(sourceIndex + done, pageForWriting(at / BLOCK_LENGTH), offset, count);
            done += count;
        }
    }

    void write(final long position, final byte[] source, final int sourceIndex, final int length) {
        for (int done = 0; done < length; ) {
            final long at = position + done;
            final int offset = (int) (at % BLOCK_LENGTH);
            final int count = Math.min(BLOCK_LENGTH - offset, length - done);
            System.arraycopy(source, sourceIndex + done, pageForWriting(at / BLOCK_LENGTH), offset, count);
            done += count;
        }
    }

    /** Visits, in ascending order, the pages from {@code first} up to {@code end} that were ever written. */
    void forEachPage(final long first, final long end, final LongConsumer visitor) {
        visit(root, height, 0, first, end, visitor);
    }

    private static void visit(
            final Node node,
            final int level,
            final long nodeFirst,
            final long first,
            final long end,
            final LongConsumer visitor) {
        final int shift = (level - 1) * FANOUT_BITS;
        for (int index = 0; index < FANOUT; index++) {
            final long childFirst = nodeFirst + ((long) index << shift);
            final long childEnd = childFirst + (1L << shift);
            if (node.children[index] == null || childEnd <= first || childFirst >= end) {
                continue;
            }
            if (level == 1) {
                visitor.accept(childFirst);
            } else {
                visit((Node) node.children[index], level - 1, childFirst, first, end, visitor);
            }
        }
    }

    /**
     * A number that tells contents apart: equal for equal content, however it came about. Costs what was changed since this
     * map, or one that it was forked from, was last asked.
     */
    long fingerprint() {
        return fingerprint(root, height, 0);
    }

    /** A sum over pages, so that neither height nor zeroes that were written make a difference. */
    private static long fingerprint(final Node node, final int level, final long nodeFirst) {
        if (node.fingerprints == null) {
            node.fingerprints = new long[FANOUT];
        }
        final int shift = (level - 1) * FANOUT_BITS;
        long sum = 0;
        for (int index = 0; index < FANOUT; index++) {
            if (node.children[index] != null && node.fingerprints[index] == 0) {
                final long childFirst = nodeFirst + ((long) index << shift);
                node.fingerprints[index] = level == 1
                        ? pageFingerprint(childFirst, (byte[]) node.children[index])
                        : fingerprint((Node) node.children[index], level - 1, childFirst);
            }
            sum += node.fingerprints[index];
        }
        return sum;
    }

    private static long pageFingerprint(final long page, final byte[] bytes) {
        if (Arrays.equals(bytes, ZEROES)) {
            return 0;
        }
        final CRC32C crc = new CRC32C();
        crc.update(bytes, 0, BLOCK_LENGTH);
        return mix(page << 32 ^ crc.getValue());
    }

    /** Spreads each bit over all (the finaliser of SplitMix64). */
    static long mix(final long bits) {
        final long once = (bits ^ bits >>> 30) * 0xBF58_476D_1CE4_E5B9L;
        final long twice = (once ^ once >>> 27) * 0x94D0_49BB_1331_11EBL;
        return twice ^ twice >>> 31;
    }

    private byte[] pageForReading(final long page) {
        if (page >>> height * FANOUT_BITS != 0) {
            return ZEROES;
        }
        Node node = root;
        for (int level = height; level > 1; level--) {
            node = (Node) node.children[childIndex(page, level)];
            if (node == null) {
                return ZEROES;
            }
        }
        final byte[] bytes = (byte[]) node.children[childIndex(page, 1)];
        return bytes == null ? ZEROES : bytes;
    }

    private byte[] pageForWriting(final long page) {
        while (page >>> height * FANOUT_BITS != 0) {
            final Node higher = new Node(owner, new Object[FANOUT]);
            higher.children[0] = root;
            root = higher;
            height++;
        }
        root = owned(root);
        Node node = root;
        for (int level = height; level > 1; level--) {
            final int index = childIndex(page, level);
            final Node child = owned((Node) node.children[index]);
            node.children[index] = child;
            forgetFingerprint(node, index);
            node = child;
        }
        forgetFingerprint(node, childIndex(page, 1));
        return ownedPage(node, childIndex(page, 1));
    }

    private Node owned(final Node node) {
        if (node == null) {
            return new Node(owner, new Object[FANOUT]);
        }
        if (node.owner == owner) {
            return node;
        }
        final Node copy = new Node(owner, node.children.clone());
        copy.fingerprints = node.fingerprints == null ? null : node.fingerprints.clone();
        return copy;
    }

    private static void forgetFingerprint(final Node node, final int index) {
        if (node.fingerprints != null) {
            node.fingerprints[index] = 0;
        }
    }

    private static byte[] ownedPage(final Node leaf, final int index) {
        final byte[] shared = (byte[]) leaf.children[index];
        if ((leaf.ownedPages & 1L << index) != 0) {
            return shared;
        }
        final byte[] page = shared == null ? new byte[BLOCK_LENGTH] : shared.clone();
        leaf.children[index] = page;
        leaf.ownedPages |= 1L << index;
        return page;
    }

    private static int childIndex(final long page, final int level) {
        return (int) (page >>> (level - 1) * FANOUT_BITS) & FANOUT - 1;
    }
}
