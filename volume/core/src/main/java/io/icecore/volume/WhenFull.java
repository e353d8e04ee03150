package io.icecore.volume;

/** What becomes of writes when the store is full. Kept in the store: see {@link StorePolicy}. */
public enum WhenFull {
    /** They fail, as soon as no deletion under way will make room for them. */
    ERROR,
    /** They wait until somebody deletes something or the store grows. */
    WAIT,
    /** The oldest rolling snapshots without holds go to make room; when there are none left, they fail. */
    EXPIRE;

    /** As people write it. */
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    /** @throws IllegalArgumentException for any other word */
    public static WhenFull parse(final String word) {
        for (final WhenFull each : values()) {
            if (each.word().equals(word)) {
                return each;
            }
        }
        throw new IllegalArgumentException("when-full: " + word + " (expected: error, wait or expire)");
    }
}
