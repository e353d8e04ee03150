package io.icecore.cli.daemon;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What each client does in a second: the difference of its counters over the last few. Thread-safe. */
final class ClientRates {
    private record Id(String protocol, String peer, Instant since) {
        static Id of(final ClientFacts client) {
            return new Id(client.protocol(), client.peer(), client.since());
        }
    }

    private record Sample(long nanos, Map<Id, ClientFacts> clients) {
        static Sample of(final long nanos, final List<ClientFacts> clients) {
            final Map<Id, ClientFacts> byId = new HashMap<>();
            clients.forEach(client -> byId.put(Id.of(client), client));
            return new Sample(nanos, byId);
        }
    }

    private Sample older = Sample.of(System.nanoTime(), List.of());
    private Sample newer = older;

    /** Call about once a second. */
    synchronized void sample(final List<ClientFacts> clients) {
        older = newer;
        newer = Sample.of(System.nanoTime(), clients);
    }

    /** Of a client as it is now, against the older sample; one that has come since counts from zero. */
    synchronized DaemonStatus.Client rateOf(final ClientFacts client) {
        final double seconds = Math.max(0.001, (System.nanoTime() - older.nanos()) / 1e9);
        final ClientFacts then = older.clients().get(Id.of(client));
        return new DaemonStatus.Client(
                client,
                (client.requests() - (then == null ? 0 : then.requests())) / seconds,
                (client.bytesRead() - (then == null ? 0 : then.bytesRead())) / seconds,
                (client.bytesWritten() - (then == null ? 0 : then.bytesWritten())) / seconds);
    }
}
