package io.icecore.volume.nbd;

import java.util.concurrent.atomic.LongAdder;

/** What has gone through one connection. Thread-safe. */
final class NbdTraffic {
    private final LongAdder requests = new LongAdder();
    private final LongAdder bytesRead = new LongAdder();
    private final LongAdder bytesWritten = new LongAdder();

    void request() {
        requests.increment();
    }

    void read(final long length) {
        bytesRead.add(length);
    }

    void written(final long length) {
        bytesWritten.add(length);
    }

    long requests() {
        return requests.sum();
    }

    /** Bytes sent to the client. */
    long bytesRead() {
        return bytesRead.sum();
    }

    /** Bytes that the client sent and the store took. */
    long bytesWritten() {
        return bytesWritten.sum();
    }
}
