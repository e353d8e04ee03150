package io.icecore.recovery.check;

import static java.util.Objects.requireNonNull;

import io.icecore.store.format.CorruptStoreException;

/**
 * One inconsistency: enough to go straight to {@code dump}.
 *
 * @param where structure and place: {@code head leaf at position 8192}
 * @param what  what was found, and what was expected
 */
public record Finding(String where, String what) {
    public Finding {
        requireNonNull(where);
        requireNonNull(what);
    }

    /** @param position byte on the device where the structure starts */
    public static Finding at(final String structure, final long position, final String what) {
        return new Finding(structure + " at position " + position, what);
    }

    public static Finding of(final CorruptStoreException ex) {
        final String where = ex.structure() + " at position " + ex.position();
        final String prefix = where + ": ";
        final String message = ex.getMessage();
        return new Finding(where, message.startsWith(prefix) ? message.substring(prefix.length()) : message);
    }

    /** One line for people: {@code where: what}. */
    @Override
    public String toString() {
        return where + ": " + what;
    }
}
