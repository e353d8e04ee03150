package io.icecore.store.device;

import java.util.Locale;

/**
 * How an ordinary read or write reaches a file or a block device. What the medium itself holds
 * ({@link BlockDevice#readMedium}) is asked past the page cache in any.
 */
public enum IoMode {
    /** Long writes past the page cache, all else through it. */
    AUTO,

    /** All through the page cache. */
    BUFFERED,

    /**
     * All past the page cache (O_DIRECT), whatever the file system allows: for a machine whose memory is wanted for other
     * things. What is read twice is read from the device twice.
     */
    DIRECT;

    /**
     * As people write it.
     *
     * @throws IllegalArgumentException for any other word
     */
    public static IoMode parse(final String word) {
        for (final IoMode each : values()) {
            if (each.name().toLowerCase(Locale.ROOT).equals(word)) {
                return each;
            }
        }
        throw new IllegalArgumentException("io: " + word + " (expected: auto, buffered or direct)");
    }
}
