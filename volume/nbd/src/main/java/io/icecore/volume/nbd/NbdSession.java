package io.icecore.volume.nbd;

import io.icecore.volume.Export;

/**
 * What a handshake ended with.
 *
 * @param export            open; whoever holds the session closes it
 * @param structuredReplies the client understands replies in chunks
 * @param allocationContext the client may ask for block status, of the one metadata context there is
 */
record NbdSession(Export export, boolean structuredReplies, boolean allocationContext) implements AutoCloseable {
    @Override
    public void close() {
        export.close();
    }
}
