package io.icecore.volume.nbd;

/**
 * Limits of an NBD server. A client beyond one of them waits; none is refused for it.
 *
 * @param connectionsMax      open at once, over all sockets; further clients wait to be accepted
 * @param requestsInFlightMax of one connection
 * @param bytesInFlightMax    of one connection: buffers of its requests, at least 32 MiB, the longest request there is
 * @param bufferBytesMax      of all connections together, at least {@code bytesInFlightMax}. Each connection has about
 *                            1.5 MiB besides, so that nobody waits for those who do not read their replies
 * @param listedSnapshotsMax  how many snapshots of each volume a client is told of; it may open any
 * @param handshakeSecondsMax from connecting until an export is chosen, then the client is dropped
 * @param closeSecondsMax     what closing the server grants requests in flight
 */
public record NbdServerOptions(
        int connectionsMax,
        int requestsInFlightMax,
        long bytesInFlightMax,
        long bufferBytesMax,
        int listedSnapshotsMax,
        int handshakeSecondsMax,
        int closeSecondsMax) {
    public static final NbdServerOptions DEFAULT = new NbdServerOptions(128, 128, 64 << 20, 128 << 20, 16, 30, 10);

    private static final int CONNECTIONS_LIMIT = 65_536;
    private static final int REQUESTS_LIMIT = 4096;
    private static final int SECONDS_LIMIT = 86_400;

    public NbdServerOptions {
        require("connectionsMax", connectionsMax, 1, CONNECTIONS_LIMIT);
        require("requestsInFlightMax", requestsInFlightMax, 1, REQUESTS_LIMIT);
        require("bytesInFlightMax", bytesInFlightMax, Nbd.PAYLOAD_LENGTH_MAX, Long.MAX_VALUE);
        require("bufferBytesMax", bufferBytesMax, bytesInFlightMax, Long.MAX_VALUE);
        require("listedSnapshotsMax", listedSnapshotsMax, 0, Integer.MAX_VALUE);
        require("handshakeSecondsMax", handshakeSecondsMax, 1, SECONDS_LIMIT);
        require("closeSecondsMax", closeSecondsMax, 0, SECONDS_LIMIT);
    }

    private static void require(final String name, final long value, final long min, final long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: " + min + " to " + max + ")");
        }
    }
}
