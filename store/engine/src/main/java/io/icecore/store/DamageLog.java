package io.icecore.store;

import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Damaged bytes that requests and background work came upon, each place once: for who asks how the store is doing.
 * Thread-safe.
 */
public final class DamageLog {
    private static final Logger LOG = LoggerFactory.getLogger(DamageLog.class);
    private static final int PLACES_MAX = 100;

    /** @param what structure, position, what was found and expected */
    public record Damage(Instant since, String what) {}

    private final String device;
    private final Clock clock;
    private final Map<Object, Damage> places = new LinkedHashMap<>();

    DamageLog(final String device, final Clock clock) {
        this.device = device;
        this.clock = clock;
    }

    /** Of bytes that are not what was written, or that the device could not read. */
    public void add(final StoreException ex) {
        final Object place = ex instanceof CorruptStoreException damage && damage.position() >= 0
                ? damage.position()
                : ex.getMessage();
        synchronized (places) {
            if (places.size() == PLACES_MAX || places.containsKey(place)) {
                return; // Whoever reads it again and again would fill the log.
            }
            places.put(place, new Damage(clock.instant(), ex.getMessage()));
        }
        LOG.error("damage found: store={} {}", device, ex.getMessage());
    }

    /** In the order found, the first {@value #PLACES_MAX} of them. */
    public List<Damage> places() {
        synchronized (places) {
            return new ArrayList<>(places.values());
        }
    }
}
