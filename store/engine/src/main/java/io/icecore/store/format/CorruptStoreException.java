package io.icecore.store.format;

import static java.util.Objects.requireNonNull;

import io.icecore.store.device.StoreException;

/**
 * Bytes read from the device contradict the format.
 *
 * <p>Thrown for damaged data only. A violated precondition is an {@link AssertionError}, a device that reports an error
 * is a {@link StoreException}: the three call for different people.
 */
public class CorruptStoreException extends StoreException {
    private static final long serialVersionUID = 1L;

    private final String structure;
    private final long position;

    /**
     * @param structure what was being read, in the words of the format specification: "superblock", "head leaf"
     * @param position  byte on the device where it starts
     * @param problem   what was found and what was expected
     */
    public CorruptStoreException(final String structure, final long position, final String problem) {
        super(structure + " at position " + position + ": " + problem);
        this.structure = requireNonNull(structure);
        this.position = position;
    }

    public static CorruptStoreException mismatch(
            final String structure, final long position, final String field, final long actual, final long expected) {
        return new CorruptStoreException(
                structure, position, String.format("%s 0x%x (expected: 0x%x)", field, actual, expected));
    }

    public String structure() {
        return structure;
    }

    /** Where on the device it starts: the argument to give to {@code dump}. */
    public long position() {
        return position;
    }
}
