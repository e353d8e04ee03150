package io.icecore.volume.iscsi;

import io.icecore.volume.iscsi.scsi.Geometry;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * How a target serves. Start from {@link #of} and change what differs:
 * {@code IscsiOptions.of("lab").withAllowedInitiators(Set.of("iqn.1993-08.org.debian:01:a"))}.
 *
 * <p>With neither allowed initiators nor credentials only peers on a loopback address are served.
 *
 * @param storeLabel          second part of every target name: {@code iqn.2026-11.io.icecore:<label>.<volume>}
 * @param allowedInitiators   initiator names that may log in; empty for all that authenticate
 * @param initiatorCredentials CHAP names and secrets of initiators; not empty: every login has to prove one
 * @param targetCredential    what the target proves when an initiator asks for mutual CHAP, or null
 * @param reservationStore    where reservations that survive a power loss are kept
 * @param geometry            logical block length
 * @param removable           the medium can be ejected: for tests of initiators
 * @param discoveredSnapshotsMax snapshots of each volume that discovery lists, newest first, 0 to 10000
 * @param sessionsMax         sessions and logins at once, 1 to 4096
 * @param sessionBytesMax     memory for transfers above 64 KiB of one session, 8 MiB to 1 GiB. Besides these a
 *                            session uses at
 *                            most 64 KiB for each of its {@value #COMMANDS_MAX} commands and 1 MiB of its own
 * @param loginTimeout        from accepting a connection to the end of its login
 * @param pingInterval        silence after which an initiator is asked whether it is still there
 * @param pingTimeout         silence after that question that ends the session
 */
public record IscsiOptions(
        String storeLabel,
        Set<String> allowedInitiators,
        List<ChapCredential> initiatorCredentials,
        ChapCredential targetCredential,
        ReservationStore reservationStore,
        Geometry geometry,
        boolean removable,
        int discoveredSnapshotsMax,
        int sessionsMax,
        int sessionBytesMax,
        Duration loginTimeout,
        Duration pingInterval,
        Duration pingTimeout) {
    /** Commands of one session at once; the CmdSN window keeps an initiator from sending more. */
    public static final int COMMANDS_MAX = 128;

    public IscsiOptions {
        allowedInitiators = Set.copyOf(allowedInitiators);
        initiatorCredentials = List.copyOf(initiatorCredentials);
        require(storeLabel.matches("[A-Za-z0-9._-]{1,64}"), "storeLabel", storeLabel, "1 to 64 letters, digits, . _ -");
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
        requirePositive(loginTimeout, "loginTimeout");
        requirePositive(pingInterval, "pingInterval");
        requirePositive(pingTimeout, "pingTimeout");
        require(
                targetCredential == null || !initiatorCredentials.isEmpty(),
                "targetCredential",
                targetCredential,
                "none without initiatorCredentials");
        for (final ChapCredential credential : initiatorCredentials) {
            // Or an initiator could have the target compute its own answer (RFC 7143 section 9.2.1).
            require(
                    targetCredential == null || !credential.hasSecretOf(targetCredential),
                    "targetCredential",
                    targetCredential,
                    "another secret than that of " + credential);
        }
    }

    public static IscsiOptions of(final String storeLabel) {
        return new IscsiOptions(
                storeLabel,
                Set.of(),
                List.of(),
                null,
                ReservationStore.inMemory(),
                new Geometry(512),
                false,
                16,
                64,
                16 << 20,
                Duration.ofSeconds(15),
                Duration.ofSeconds(15),
                Duration.ofSeconds(15));
    }

    /** Nothing but the address of a peer says whether it may come in. */
    boolean loopbackOnly() {
        return allowedInitiators.isEmpty() && initiatorCredentials.isEmpty();
    }

    public IscsiOptions withAllowedInitiators(final Set<String> names) {
        return new IscsiOptions(
                storeLabel,
                names,
                initiatorCredentials,
                targetCredential,
                reservationStore,
                geometry,
                removable,
                discoveredSnapshotsMax,
                sessionsMax,
                sessionBytesMax,
                loginTimeout,
                pingInterval,
                pingTimeout);
    }

    /** @param target null for one-way CHAP */
    public IscsiOptions withChap(final List<ChapCredential> initiators, final ChapCredential target) {
        return new IscsiOptions(
                storeLabel,
                allowedInitiators,
                initiators,
                target,
                reservationStore,
                geometry,
                removable,
                discoveredSnapshotsMax,
                sessionsMax,
                sessionBytesMax,
                loginTimeout,
                pingInterval,
                pingTimeout);
    }

    public IscsiOptions withReservationStore(final ReservationStore store) {
        return new IscsiOptions(
                storeLabel,
                allowedInitiators,
                initiatorCredentials,
                targetCredential,
                store,
                geometry,
                removable,
                discoveredSnapshotsMax,
                sessionsMax,
                sessionBytesMax,
                loginTimeout,
                pingInterval,
                pingTimeout);
    }

    public IscsiOptions withGeometry(final Geometry blocks, final boolean ejectable) {
        return new IscsiOptions(
                storeLabel,
                allowedInitiators,
                initiatorCredentials,
                targetCredential,
                reservationStore,
                blocks,
                ejectable,
                discoveredSnapshotsMax,
                sessionsMax,
                sessionBytesMax,
                loginTimeout,
                pingInterval,
                pingTimeout);
    }

    public IscsiOptions withLimits(final int sessions, final int bytesOfEach, final int discoveredSnapshots) {
        return new IscsiOptions(
                storeLabel,
                allowedInitiators,
                initiatorCredentials,
                targetCredential,
                reservationStore,
                geometry,
                removable,
                discoveredSnapshots,
                sessions,
                bytesOfEach,
                loginTimeout,
                pingInterval,
                pingTimeout);
    }

    public IscsiOptions withTimeouts(final Duration login, final Duration interval, final Duration timeout) {
        return new IscsiOptions(
                storeLabel,
                allowedInitiators,
                initiatorCredentials,
                targetCredential,
                reservationStore,
                geometry,
                removable,
                discoveredSnapshotsMax,
                sessionsMax,
                sessionBytesMax,
                login,
                interval,
                timeout);
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
