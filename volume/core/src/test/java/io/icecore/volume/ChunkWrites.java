package io.icecore.volume;

import io.icecore.volume.Moment.Cell;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * What writes make of a moment, step by step: a crash in the midst of one may leave each step. A part of a chunk is a step,
 * whole chunks side by side are one.
 */
final class ChunkWrites {
    private static final int CHUNK = Moment.CHUNK;

    private long versions;

    /** Goes on with the versions after those. */
    ChunkWrites after() {
        final ChunkWrites next = new ChunkWrites();
        next.versions = versions;
        return next;
    }

    List<Moment> write(final Moment from, final String name, final long offset, final byte[] bytes) {
        final long end = offset + bytes.length;
        final List<Moment> steps = new ArrayList<>();
        Moment moment = from;
        for (long at = offset; at < end; ) {
            final long whole = (end - at) / CHUNK * CHUNK;
            final long start = at;
            final long stop = at % CHUNK == 0 && whole > 0 ? at + whole : Math.min(end, (at / CHUNK + 1) * CHUNK);
            moment = change(
                    moment, name, cells -> put(cells, start, bytes, (int) (start - offset), (int) (stop - start)));
            steps.add(moment);
            at = stop;
        }
        return steps;
    }

    /** @param trim whether parts of chunks stay as they are */
    List<Moment> discard(final Moment from, final String name, final long offset, final long end, final boolean trim) {
        final long wholeFrom = (offset + CHUNK - 1) / CHUNK * CHUNK;
        final long wholeEnd = end / CHUNK * CHUNK;
        final List<Moment> steps = new ArrayList<>();
        Moment moment = from;
        if (!trim) {
            moment = zeroPart(moment, name, offset, Math.min(end, wholeFrom));
            steps.add(moment);
        }
        if (wholeFrom < wholeEnd) {
            moment = change(
                    moment,
                    name,
                    cells -> cells.subMap(wholeFrom / CHUNK, wholeEnd / CHUNK).clear());
            steps.add(moment);
        }
        if (!trim) {
            moment = zeroPart(moment, name, Math.max(wholeEnd, Math.min(end, wholeFrom)), end);
            steps.add(moment);
        }
        return steps;
    }

    private Moment zeroPart(final Moment moment, final String name, final long from, final long end) {
        if (from >= end || !moment.volumes().get(name).head().cells().containsKey(from / CHUNK)) {
            return moment;
        }
        final byte[] zeroes = new byte[(int) (end - from)];
        return change(moment, name, cells -> put(cells, from, zeroes, 0, zeroes.length));
    }

    private static Moment change(final Moment moment, final String name, final Consumer<TreeMap<Long, Cell>> change) {
        return moment.with(name, volume -> volume.withHead(volume.head().with(change)));
    }

    private void put(
            final TreeMap<Long, Cell> cells, final long offset, final byte[] bytes, final int index, final int length) {
        for (long chunk = offset / CHUNK; chunk * CHUNK < offset + length; chunk++) {
            final long from = Math.max(offset, chunk * CHUNK);
            final long end = Math.min(offset + length, (chunk + 1) * CHUNK);
            final Cell old = cells.get(chunk);
            final byte[] changed = old == null ? new byte[CHUNK] : old.bytes().clone();
            final int at = index + (int) (from - offset);
            System.arraycopy(bytes, at, changed, (int) (from - chunk * CHUNK), (int) (end - from));
            cells.put(chunk, new Cell(++versions, changed));
        }
    }
}
