package io.icecore.store.device;

import java.io.IOException;

/** The device ended before the range that was to be read did. */
final class ShortReadException extends IOException {
    private static final long serialVersionUID = 1L;

    ShortReadException(final long position) {
        super("device ends at position " + position);
    }
}
