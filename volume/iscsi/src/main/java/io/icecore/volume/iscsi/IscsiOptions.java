package io.icecore.volume.iscsi;

import io.icecore.volume.iscsi.scsi.Geometry;
import java.time.Duration;

/**
 * How a target serves. Start from {@link #DEFAULT} and change what differs:
 * {@code IscsiOptions.DEFAULT.withGeometry(new Geometry(4096))}.
 *
 * @param access    who may log in
 * @param geometry  logical block length
 * @param removable the medium can be ejected: for tests of initiators
 */
public record IscsiOptions(IscsiAccess access, Geometry geometry, boolean removable, Limits limits, Timeouts timeouts) {
    public static final IscsiOptions DEFAULT =
            new IscsiOptions(IscsiAccess.LOOPBACK, new Geometry(512), false, Limits.DEFAULT, Timeouts.DEFAULT);

    /** Commands of one session at once; the CmdSN window keeps an initiator from sending more. */
    public static final int COMMANDS_MAX = 128;

    /**
     * @param discoveredSnapshotsMax snapshots of each volume that discovery lists, newest first, 0 to 10000
     * @param sessionsMax            sessions and logins at once, 1 to 4096
     * @param sessionBytesMax        memory for transfers above 64 KiB of one session, 8 MiB to 1 GiB. Besides these a
     *                               session uses at most 64 KiB for each of its {@value IscsiOptions#COMMANDS_MAX}
     *                               commands and 1 MiB of its own
     */
    public record Limits(int discoveredSnapshotsMax, int sessionsMax, int sessionBytesMax) {
        public static final Limits DEFAULT = new Limits(16, 64, 16 << 20);

        public Limits {
            require(
                    discoveredSnapshotsMax >= 0 && discoveredSnapshotsMax <= 10_000,
                    "discoveredSnapshotsMax",
                    discoveredSnapshotsMax,
                    "0 to 10000");
            require(sessionsMax >= 1 && sessionsMax <= 4096, "sessionsMax", sessionsMax, "1 to 4096");
            require(
                    sessionBytesMax >= Geometry.TRANSFER_LENGTH_MAX && sessionBytesMax <= 1 << 30,
                    "sessionBytesMax",
                    sessionBytesMax,
                    Geometry.TRANSFER_LENGTH_MAX + " to 1073741824");
        }
    }

    /**
     * @param login        from accepting a connection to the end of its login
     * @param pingInterval silence after which an initiator is asked whether it is still there
     * @param pingAnswer   silence after that question that ends the session
     */
    public record Timeouts(Duration login, Duration pingInterval, Duration pingAnswer) {
        public static final Timeouts DEFAULT =
                new Timeouts(Duration.ofSeconds(15), Duration.ofSeconds(15), Duration.ofSeconds(15));

        public Timeouts {
            requirePositive(login, "login");
            requirePositive(pingInterval, "pingInterval");
            requirePositive(pingAnswer, "pingAnswer");
        }
    }

    public IscsiOptions withAccess(final IscsiAccess who) {
        return new IscsiOptions(who, geometry, removable, limits, timeouts);
    }

    public IscsiOptions withGeometry(final Geometry blocks) {
        return new IscsiOptions(access, blocks, removable, limits, timeouts);
    }

    public IscsiOptions withRemovable(final boolean ejectable) {
        return new IscsiOptions(access, geometry, ejectable, limits, timeouts);
    }

    public IscsiOptions withLimits(final Limits others) {
        return new IscsiOptions(access, geometry, removable, others, timeouts);
    }

    public IscsiOptions withTimeouts(final Timeouts others) {
        return new IscsiOptions(access, geometry, removable, limits, others);
    }

    private static void requirePositive(final Duration value, final String name) {
        require(!value.isNegative() && !value.isZero(), name, value, "more than nothing");
    }

    private static void require(final boolean holds, final String name, final Object value, final String expected) {
        if (!holds) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
        }
    }
}
