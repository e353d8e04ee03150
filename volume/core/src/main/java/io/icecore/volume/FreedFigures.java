package io.icecore.volume;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What deleting a single snapshot between two others would give back, remembered. Only that snapshot sees the versions that were
 * born after the one before it and died by the one after it; all of that is past, so the figure holds while the two are its
 * neighbours. Of the newest snapshot, and of the oldest, it changes with every write: those are never remembered.
 */
final class FreedFigures {
    /** Some 10 MiB. The least recently asked for goes. */
    private static final int FIGURES_MAX = 100_000;

    private record Place(long branch, long birthMin, long epoch, long next) {}

    private final Map<Place, Long> chunks = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(final Map.Entry<Place, Long> eldest) {
            return size() > FIGURES_MAX;
        }
    };

    /** @param lasts whether the figure of this run may be remembered */
    long of(
            final long branch,
            final long birthMin,
            final long[] epochs,
            final long next,
            final boolean lasts,
            final LongSupplier count) {
        if (!lasts) {
            return count.getAsLong();
        }
        final Place place = new Place(branch, birthMin, epochs[0], next);
        synchronized (chunks) {
            final Long known = chunks.get(place);
            if (known != null) {
                return known;
            }
        }
        final long counted = count.getAsLong();
        synchronized (chunks) {
            chunks.put(place, counted);
        }
        return counted;
    }
}
