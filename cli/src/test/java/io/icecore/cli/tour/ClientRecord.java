package io.icecore.cli.tour;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What one client has written to its part of a volume, and what of it must be there.
 *
 * <p>One write at a time, each of a few whole chunks, each chunk stamped with the ordinal of its write. So whatever a moment
 * of the disk holds is the outcome of the writes up to some ordinal, the <em>cut</em>, of no later one and of none in part:
 * {@link #cutOf} finds it or says which chunk belongs to no such moment. Thread-safe.
 */
final class ClientRecord {
    static final int CHUNK = 4096;
    private static final long ODD = 0x9E37_79B9_7F4A_7C15L;

    final String volume;
    final int client;
    final int firstChunk;
    final int chunkCount;

    /** Ordinals of the writes to each chunk, ascending. */
    private final List<List<Integer>> writes = new ArrayList<>();

    private int issued;
    private int acknowledged;
    private int flushed;

    ClientRecord(final String volume, final int client, final int firstChunk, final int chunkCount) {
        this.volume = volume;
        this.client = client;
        this.firstChunk = firstChunk;
        this.chunkCount = chunkCount;
        for (int i = 0; i < chunkCount; i++) {
            writes.add(new ArrayList<>());
        }
    }

    /** Notes a write before it is sent, and returns what it writes. */
    synchronized ByteBuffer issue(final int chunk, final int count) {
        issued++;
        final ByteBuffer content = ByteBuffer.allocate(count * CHUNK);
        for (int i = 0; i < count; i++) {
            writes.get(chunk + i).add(issued);
            stamp(content, chunk + i, issued);
        }
        return content.flip();
    }

    private void stamp(final ByteBuffer content, final int chunk, final int ordinal) {
        for (int word = 0; word < CHUNK / Long.BYTES; word++) {
            content.putLong(word(chunk, ordinal, word));
        }
    }

    /** The first word names the write, and every other depends on all of it. */
    private long word(final int chunk, final int ordinal, final int word) {
        final long name = (long) client << 56 | (long) chunk << 32 | ordinal;
        return word == 0 ? name : (name + word) * ODD;
    }

    synchronized void acknowledged() {
        acknowledged = issued;
    }

    /** A flush that was sent when this was the newest acknowledged write has been answered. */
    synchronized void flushed(final int ordinal) {
        flushed = ordinal;
    }

    synchronized int issuedOrdinal() {
        return issued;
    }

    synchronized int acknowledgedOrdinal() {
        return acknowledged;
    }

    synchronized int flushedOrdinal() {
        return flushed;
    }

    /**
     * The last write that this content of the part holds.
     *
     * @param moment named in failures
     */
    synchronized int cutOf(final ByteBuffer content, final String moment) {
        int cut = 0;
        final int[] found = new int[chunkCount];
        for (int chunk = 0; chunk < chunkCount; chunk++) {
            found[chunk] = ordinalOf(content, chunk, moment);
            cut = Math.max(cut, found[chunk]);
        }
        for (int chunk = 0; chunk < chunkCount; chunk++) {
            final int expected = lastWrite(chunk, cut);
            if (found[chunk] != expected) {
                throw new AssertionError(moment + ": client " + client + " chunk " + (firstChunk + chunk) + " of "
                        + volume
                        + " holds write " + found[chunk] + " (expected: " + expected + ", for another chunk holds "
                        + cut
                        + "; issued " + issued + ", acknowledged " + acknowledged + ", flushed " + flushed + ")");
            }
        }
        return cut;
    }

    private int ordinalOf(final ByteBuffer content, final int chunk, final String moment) {
        final int ordinal = (int) content.getLong(chunk * CHUNK);
        for (int word = 0; word < CHUNK / Long.BYTES; word++) {
            final long expected = ordinal == 0 ? 0 : word(chunk, ordinal, word);
            if (content.getLong(chunk * CHUNK + word * Long.BYTES) != expected) {
                throw new AssertionError(moment + ": client " + client + " chunk " + (firstChunk + chunk) + " of "
                        + volume + " holds bytes that nobody wrote, at byte " + word * Long.BYTES);
            }
        }
        return ordinal;
    }

    private int lastWrite(final int chunk, final int cut) {
        final List<Integer> ordinals = writes.get(chunk);
        for (int i = ordinals.size() - 1; i >= 0; i--) {
            if (ordinals.get(i) <= cut) {
                return ordinals.get(i);
            }
        }
        return 0;
    }

    /** After a crash the disk goes on from this cut: what came later never was. */
    synchronized void continueFrom(final int cut) {
        for (final List<Integer> ordinals : writes) {
            while (!ordinals.isEmpty() && ordinals.get(ordinals.size() - 1) > cut) {
                ordinals.remove(ordinals.size() - 1);
            }
        }
        acknowledged = cut;
        flushed = cut;
    }
}
