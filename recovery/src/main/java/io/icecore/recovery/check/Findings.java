package io.icecore.recovery.check;

import java.util.ArrayList;
import java.util.List;

/**
 * Collects findings, the first {@value #KEPT_MAX} of them: a store with a damaged root has millions, and the first tell
 * as much.
 *
 * <p>Not thread-safe.
 */
public final class Findings {
    public static final int KEPT_MAX = 1000;

    private final List<Finding> kept = new ArrayList<>();
    private long count;

    public void add(final Finding finding) {
        count++;
        if (kept.size() < KEPT_MAX) {
            kept.add(finding);
        }
    }

    /** Adds those of a part of the work. */
    void addAll(final Findings part) {
        part.kept.forEach(this::add);
        count += part.count - part.kept.size();
    }

    /** All that were added, those not kept included. */
    public long count() {
        return count;
    }

    /** In the order found; where some were not kept, a last one says how many. */
    public List<Finding> toList() {
        final List<Finding> list = new ArrayList<>(kept);
        if (count > kept.size()) {
            list.add(new Finding("check", (count - kept.size()) + " more findings, not listed"));
        }
        return List.copyOf(list);
    }
}
