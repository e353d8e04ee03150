package io.icecore.volume;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;

/**
 * How people name a volume's head, a snapshot or a range of snapshots.
 *
 * <pre>
 * vm1                     HEAD    the live volume
 * vm1@name                NAME    a snapshot by name
 * vm1@latest              LATEST  the newest snapshot
 * vm1@-15m                AGO     the newest at or before 15 minutes ago
 * vm1@2026-11-23T10:05    TIME    the newest at or before that time; local, or with Z or an offset
 * vm1@a..b                RANGE   from a to b, both included; each side any of the forms above, without the volume
 * </pre>
 *
 * @param name of NAME
 * @param ago  of AGO
 * @param time of TIME
 * @param from of RANGE, as a spec of the same volume
 * @param to   of RANGE
 */
public record Spec(String volume, Kind kind, String name, Duration ago, Instant time, Spec from, Spec to) {
    public enum Kind {
        HEAD,
        NAME,
        LATEST,
        AGO,
        TIME,
        RANGE
    }

    /** @throws IllegalArgumentException naming the text and the rule it breaks */
    public static Spec parse(final String text, final ZoneId zone) {
        final int at = text.indexOf('@');
        if (at < 0) {
            return new Spec(text, Kind.HEAD, null, null, null, null, null);
        }
        return new Spec(text.substring(0, at), Kind.NAME, text.substring(at + 1), null, null, null, null);
    }
}
