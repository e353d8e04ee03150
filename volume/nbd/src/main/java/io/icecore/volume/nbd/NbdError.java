package io.icecore.volume.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icecore.store.device.NoSpaceException;
import io.icecore.volume.ReadOnlyException;

/** Why a request failed: the number that the client's kernel understands and a sentence for its operator. */
enum NbdError {
    READ_ONLY(1, "the export is read-only"),
    INPUT_OUTPUT(5, "the store could not do it; the server's log has the details"),
    OUTSIDE_EXPORT(22, "the range does not lie within the export"),
    UNKNOWN_COMMAND(22, "unknown command"),
    UNKNOWN_FLAG(22, "unknown command flag, or one that this command does not take"),
    NO_META_CONTEXT(22, "no metadata context was selected"),
    EMPTY_RANGE(22, "the range is empty"),
    READ_TOO_LONG(22, "longer than the maximum payload size"),
    PAST_END(28, "the range ends past the export"),
    NO_SPACE(28, "no space left in the store"),
    READ_TOO_LONG_STRUCTURED(75, "longer than the maximum payload size");

    /** What goes over the wire (specification, "Error values"). */
    final int value;
    /** UTF-8. */
    final byte[] message;

    NbdError(final int value, final String message) {
        this.value = value;
        this.message = message.getBytes(UTF_8);
    }

    static NbdError of(final Throwable failure) {
        if (failure instanceof NoSpaceException) {
            return NO_SPACE;
        }
        if (failure instanceof ReadOnlyException) {
            return READ_ONLY;
        }
        return INPUT_OUTPUT;
    }
}
