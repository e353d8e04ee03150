package io.icecore.cli.tour;

import java.util.BitSet;
import java.util.Locale;

/**
 * What comparing a disk with a {@link WriteRecord} showed: the states that it may be, or what contradicts them all.
 *
 * @param states     every state whose bytes are exactly those of the disk. More than one where writes changed nothing
 * @param sha256     of the whole disk as it was read
 * @param difference the first thing that fits no state, or null when {@code states} is not empty
 */
record Comparison(BitSet states, String sha256, String difference) {
    boolean matches() {
        return difference == null;
    }

    int firstState() {
        return states.nextSetBit(0);
    }

    int lastState() {
        return states.length() - 1;
    }

    /** Takes in one chunk after the other; each narrows what the disk may be. */
    static final class Builder {
        private final BitSet states = new BitSet();
        private final BitSet statesOfChunk = new BitSet();
        private long offset;
        private int contentCount;
        private String difference;

        /** @param writeCount number of the last state */
        Builder(final int writeCount) {
            states.set(0, writeCount + 1);
        }

        /** A byte that was never written is not what the image has there. */
        void differs(final long offset, final byte actual, final byte expected) {
            fail(String.format(
                    Locale.ROOT,
                    "byte %,d is 0x%02x (expected: 0x%02x, as in the image; it was never written)",
                    offset,
                    actual,
                    expected));
        }

        /** Begins a chunk that held {@code contentCount} contents in turn. */
        void beginChunk(final long offset, final int contentCount) {
            this.offset = offset;
            this.contentCount = contentCount;
            statesOfChunk.clear();
        }

        /** The chunk is what it was in states {@code first} to {@code last}. */
        void holds(final int first, final int last) {
            statesOfChunk.set(first, last + 1);
        }

        void endChunk() {
            if (statesOfChunk.isEmpty()) {
                fail(String.format(
                        Locale.ROOT,
                        "the 4096 bytes at %,d are none of the %,d contents they ever had",
                        offset,
                        contentCount));
            } else if (!states.intersects(statesOfChunk)) {
                fail(String.format(
                        Locale.ROOT,
                        "a mixture of moments: what comes before byte %,d is as after write %s, what stands there as"
                                + " after write %s",
                        offset,
                        rangeOf(states),
                        rangeOf(statesOfChunk)));
            } else {
                states.and(statesOfChunk);
            }
        }

        private void fail(final String what) {
            if (difference == null) {
                difference = what;
            }
        }

        private static String rangeOf(final BitSet set) {
            final int first = set.nextSetBit(0);
            final int last = set.length() - 1;
            return first == last
                    ? String.format(Locale.ROOT, "%,d", first)
                    : String.format(Locale.ROOT, "%,d to %,d", first, last);
        }

        Comparison build(final String sha256) {
            return new Comparison(difference == null ? states : new BitSet(), sha256, difference);
        }
    }
}
