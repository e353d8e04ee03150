package io.icecore.volume.nbd;

/**
 * Which requests may be executed (specification, "Command flags", "Request types" and "Error values"). A request that may
 * not is answered, its payload skipped, and the connection goes on.
 */
final class NbdRequestRules {
    private NbdRequestRules() {}

    /** The error to answer with, or null when the request is in order. */
    static NbdError violationOf(
            final NbdRequestDecoder request, final long exportSize, final boolean readOnly, final NbdSession session) {
        final int type = request.type();
        if (type > Nbd.CMD_BLOCK_STATUS) {
            return NbdError.UNKNOWN_COMMAND;
        }
        if ((request.flags() & ~flagsOf(type, session)) != 0) {
            return NbdError.UNKNOWN_FLAG;
        }
        if (type == Nbd.CMD_FLUSH) {
            return null; // Its range should be zero; a flush that is refused for that would cost somebody's data.
        }
        final boolean changes = changes(type);
        if (changes && readOnly) {
            return NbdError.READ_ONLY;
        }
        if (request.offset() < 0 || request.offset() > exportSize || request.length() > exportSize - request.offset()) {
            return changes && type != Nbd.CMD_TRIM ? NbdError.PAST_END : NbdError.OUTSIDE_EXPORT;
        }
        if (type == Nbd.CMD_READ && request.length() > Nbd.PAYLOAD_LENGTH_MAX) {
            return session.structuredReplies() ? NbdError.READ_TOO_LONG_STRUCTURED : NbdError.READ_TOO_LONG;
        }
        if (type == Nbd.CMD_BLOCK_STATUS) {
            return blockStatusViolation(request, session);
        }
        return null;
    }

    private static NbdError blockStatusViolation(final NbdRequestDecoder request, final NbdSession session) {
        if (!session.allocationContext()) {
            return NbdError.NO_META_CONTEXT;
        }
        return request.length() == 0 ? NbdError.EMPTY_RANGE : null;
    }

    private static boolean changes(final int type) {
        return type == Nbd.CMD_WRITE || type == Nbd.CMD_TRIM || type == Nbd.CMD_WRITE_ZEROES;
    }

    /** FUA is valid with every command, also where it means nothing. */
    private static int flagsOf(final int type, final NbdSession session) {
        return Nbd.CMD_FLAG_FUA
                | switch (type) {
                    case Nbd.CMD_READ -> session.structuredReplies() ? Nbd.CMD_FLAG_DF : 0;
                    case Nbd.CMD_WRITE_ZEROES -> Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO;
                    case Nbd.CMD_BLOCK_STATUS -> Nbd.CMD_FLAG_REQ_ONE;
                    default -> 0;
                };
    }
}
