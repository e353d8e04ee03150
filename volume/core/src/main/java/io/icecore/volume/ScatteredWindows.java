package io.icecore.volume;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/** Where reads of long stretches of a head had to go to many places. Bounded: what comes when it is full is not noted. Thread-safe. */
final class ScatteredWindows {
    /** Chunks of a window. */
    static final int LENGTH = 256;

    /** 64 GiB of volumes, some 4 MiB of memory. */
    private static final int COUNT_MAX = 65_536;

    /** A window is the chunks from this one on. */
    record Window(long branch, long chunk) {}

    private final Set<Window> windows = new LinkedHashSet<>();

    synchronized void add(final long branch, final long chunk, final long count) {
        for (long at = chunk / LENGTH * LENGTH; at < chunk + count && windows.size() < COUNT_MAX; at += LENGTH) {
            windows.add(new Window(branch, at));
        }
    }

    /** Takes out the one that was noted first; null when there is none. */
    synchronized Window poll() {
        final Iterator<Window> first = windows.iterator();
        if (!first.hasNext()) {
            return null;
        }
        final Window window = first.next();
        first.remove();
        return window;
    }
}
