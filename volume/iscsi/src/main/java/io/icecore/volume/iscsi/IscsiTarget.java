package io.icecore.volume.iscsi;

import io.icecore.volume.ExportTable;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.LogicalUnit;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import io.icecore.volume.iscsi.scsi.Sense;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.agrona.concurrent.EpochClock;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemEpochClock;
import org.agrona.concurrent.SystemNanoClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves every volume and snapshot of a store over iSCSI (RFC 7143): one target for each, logical unit 0. A target is
 * looked up when an initiator logs in, so there is nothing to set up for it and nothing to take away.
 *
 * <p>Start reading at {@link IscsiConnection}, which is a session's thread, then {@link LoginPhase}, {@link
 * FullFeaturePhase} and {@link LogicalUnit#plan}.
 */
public final class IscsiTarget implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(IscsiTarget.class);

    private static final int WORK_THREADS = 4;
    private static final int SESSION_HANDLE_MAX = 0xffff;
    private static final long REINSTATEMENT_MILLIS_MAX = 10_000;
    private static final Duration CLOSE_GRACE = Duration.ofSeconds(1);
    /** For the last commands of those that have been dropped. */
    private static final long DROP_MILLIS_MAX = 5_000;

    private static final int ATTACH_ATTEMPTS = 3;

    private final IscsiOptions options;
    private final ExportTable exports;
    private final VolumeWorkers workers;
    private final EpochClock epochClock;
    private final NanoClock clock;
    private final TargetNames names;
    private final LogicalUnits units;
    private final WorkThreads workThreads = new WorkThreads(WORK_THREADS);
    private final SecureRandom random = new SecureRandom();
    private final List<IscsiPortal> portals = new CopyOnWriteArrayList<>();
    private final Set<IscsiConnection> connections = ConcurrentHashMap.newKeySet();
    private final AtomicInteger ordinal = new AtomicInteger();
    private final Object admission = new Object();
    private int lastSessionHandle;
    private volatile boolean closed;

    /**
     * @param storeLabel   second part of every target name: {@code iqn.2026-11.io.icecore:<label>.<volume>}
     * @param exports      what there is to serve
     * @param reservations keeps those that survive a restart
     * @param workers      carry the requests to the store; not closed with the target
     */
    public IscsiTarget(
            final String storeLabel,
            final IscsiOptions options,
            final ExportTable exports,
            final ReservationStore reservations,
            final VolumeWorkers workers) {
        this(storeLabel, options, exports, reservations, workers, SystemEpochClock.INSTANCE, SystemNanoClock.INSTANCE);
    }

    IscsiTarget(
            final String storeLabel,
            final IscsiOptions options,
            final ExportTable exports,
            final ReservationStore reservations,
            final VolumeWorkers workers,
            final EpochClock epochClock,
            final NanoClock clock) {
        this.options = options;
        this.exports = exports;
        this.workers = workers;
        this.epochClock = epochClock;
        this.clock = clock;
        this.names = new TargetNames(storeLabel);
        this.units = new LogicalUnits(options, exports, reservations, names);
    }

    /**
     * Listens on an address, in addition to others.
     *
     * @param address port 0 takes a free one
     * @throws IOException when the address cannot be bound
     */
    public IscsiPortal listen(final InetSocketAddress address) throws IOException {
        final IscsiPortal portal = new IscsiPortal(this, address);
        portals.add(portal);
        portal.start();
        LOG.info(
                "iscsi portal open: address={} loopbackPeersOnly={}",
                portal.address(),
                options.access().loopbackOnly());
        return portal;
    }

    /** The target name of {@code vm1} or {@code vm1@snapshot}; null when it would be too long for one. */
    public String targetName(final String spec) {
        return names.nameOf(spec);
    }

    /** Everyone who is logged in. */
    public List<SessionStatus> sessions() {
        return connections.stream()
                .filter(connection -> connection.session() != null)
                .map(IscsiConnection::status)
                .toList();
    }

    /**
     * Exports go away: asks their initiators to log out (RFC 7143 section 11.9.1, event 1), and ends the sessions of
     * those that have not after a while. The caller sees to it that they do not come back.
     *
     * @param exports tells whether an export, by its name, is meant
     * @param grace   how long to wait for them, in whole seconds; not more than a minute makes sense
     */
    public void withdraw(final Predicate<String> exports, final Duration grace) {
        final List<IscsiConnection> affected = connections.stream()
                .filter(connection -> connection.exportName() != null && exports.test(connection.exportName()))
                .toList();
        dismiss(affected, grace, "export withdrawn");
    }

    /** Ends all sessions, after asking their initiators to log out, and stops listening. Idempotent. */
    @Override
    public void close() {
        closed = true;
        portals.forEach(IscsiPortal::close);
        dismiss(List.copyOf(connections), CLOSE_GRACE, "target closed");
        workThreads.close();
    }

    private void dismiss(final List<IscsiConnection> affected, final Duration grace, final String reason) {
        final int seconds = (int) Math.max(1, grace.toSeconds());
        for (final IscsiConnection connection : affected) {
            if (connection.session() == null) {
                connection.drop(reason);
            } else {
                connection.session().requestLogout(seconds);
            }
        }
        awaitEnd(affected, grace.toNanos());
        affected.forEach(connection -> connection.drop(reason));
        if (!awaitEnd(affected, TimeUnit.MILLISECONDS.toNanos(DROP_MILLIS_MAX))) {
            LOG.warn("sessions did not end: reason={}", reason);
        }
    }

    private boolean awaitEnd(final List<IscsiConnection> ending, final long nanosMax) {
        final long deadline = clock.nanoTime() + nanosMax;
        boolean all = true;
        for (final IscsiConnection connection : ending) {
            all &= connection.awaitEnd(TimeUnit.NANOSECONDS.toMillis(deadline - clock.nanoTime()));
        }
        return all;
    }

    // For connections

    IscsiOptions options() {
        return options;
    }

    Instant now() {
        return Instant.ofEpochMilli(epochClock.time());
    }

    NanoClock clock() {
        return clock;
    }

    SecureRandom random() {
        return random;
    }

    VolumeWorkers workers() {
        return workers;
    }

    WorkThreads workThreads() {
        return workThreads;
    }

    LogicalUnits units() {
        return units;
    }

    /** Serves an accepted connection, which belongs to the target from here on. */
    void serve(final SocketChannel channel) throws IOException {
        if (closed || connections.size() >= options.limits().sessionsMax()) {
            LOG.warn("connection refused: peer={} connections={}", channel.getRemoteAddress(), connections.size());
            channel.close();
            return;
        }
        IscsiConnection connection = null;
        try {
            connection = new IscsiConnection(this, channel);
            connections.add(connection);
            final Thread thread = new Thread(connection, "iscsi-" + ordinal.incrementAndGet());
            thread.setDaemon(true);
            thread.start();
            if (closed) {
                connection.drop("target closed"); // It was closed meanwhile and may have missed this one.
            }
        } catch (final IOException | RuntimeException | OutOfMemoryError ex) {
            LOG.warn("connection refused: problem={}", ex.toString());
            channel.close();
            if (connection != null) {
                onEnded(connection);
            }
        }
    }

    void onEnded(final IscsiConnection connection) {
        connections.remove(connection);
    }

    boolean sessionExists(final int handle) {
        return connections.stream()
                .anyMatch(connection -> connection.session() != null && connection.sessionHandle() == handle);
    }

    /** Makes the session, ending an older one of the same initiator port first (RFC 7143 section 6.3.5). */
    LoginStatus admit(final IscsiConnection connection, final LoginRequest request) {
        if (closed) {
            return LoginStatus.SERVICE_UNAVAILABLE;
        }
        if (request.discovery()) {
            connection.admitted(nextSessionHandle(), connection.newSession(request, null), null);
            return LoginStatus.SUCCESS;
        }
        final IscsiConnection older = sessionOf(request);
        if (older != null) {
            older.drop("session reinstated by its initiator");
            if (!older.awaitEnd(REINSTATEMENT_MILLIS_MAX)) {
                return LoginStatus.SERVICE_UNAVAILABLE; // Its last writes could still overtake what comes now.
            }
        }
        try {
            return attach(connection, request, older == null ? Sense.POWER_ON : Sense.NEXUS_LOST);
        } catch (final NoSuchException ex) {
            return LoginStatus.NOT_FOUND;
        } catch (final RuntimeException ex) {
            LOG.warn("target cannot be opened: target={} problem={}", request.targetName(), ex.toString());
            LOG.debug("target cannot be opened: target={}", request.targetName(), ex);
            return LoginStatus.TARGET_ERROR;
        }
    }

    private LoginStatus attach(final IscsiConnection connection, final LoginRequest request, final Sense attention) {
        for (int attempt = 0; attempt < ATTACH_ATTEMPTS; attempt++) {
            final LogicalUnit unit = units.open(request.targetName());
            final FullFeaturePhase session = connection.newSession(request, unit);
            synchronized (admission) {
                // Two logins of one port at once: one of them wins.
                if (sessionOf(request) == null
                        && units.attach(unit, session.tasks().nexus(), attention)) {
                    connection.admitted(nextSessionHandle(), session, unit);
                    return LoginStatus.SUCCESS;
                }
            }
            units.release(unit, session.tasks().nexus()); // Closes it if nobody else is there.
        }
        return LoginStatus.SERVICE_UNAVAILABLE;
    }

    private IscsiConnection sessionOf(final LoginRequest request) {
        for (final IscsiConnection connection : connections) {
            final FullFeaturePhase session = connection.session();
            if (session != null
                    && request.targetName().equals(session.login().targetName())
                    && request.port().equals(session.login().port())) {
                return connection;
            }
        }
        return null;
    }

    private int nextSessionHandle() {
        synchronized (admission) {
            do {
                lastSessionHandle = lastSessionHandle % SESSION_HANDLE_MAX + 1;
            } while (sessionExists(lastSessionHandle));
            return lastSessionHandle;
        }
    }

    /** Ends every session of a unit (RFC 7143 section 11.5.1). */
    void coldReset(final LogicalUnit unit) {
        for (final IscsiConnection connection : connections) {
            if (connection.session() != null && connection.session().unit() == unit) {
                connection.drop("target cold reset");
            }
        }
    }

    /**
     * SendTargets text (RFC 7143 appendix C).
     *
     * @param only  one target name, or null for all
     * @param local where the initiator reached us, and will reach the targets
     */
    byte[] targets(final String only, final InetSocketAddress local) {
        final String host = local.getAddress() instanceof Inet6Address
                ? '[' + local.getAddress().getHostAddress() + ']'
                : local.getAddress().getHostAddress();
        final ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (final String name : only == null ? discovered() : existing(only)) {
            TextParameters.append(text, "TargetName", name);
            TextParameters.append(text, "TargetAddress", host + ':' + local.getPort() + ",1");
        }
        return text.toByteArray();
    }

    private List<String> discovered() {
        return exports.names(options.limits().discoveredSnapshotsMax()).stream()
                .map(names::nameOf)
                .filter(Objects::nonNull)
                .toList();
    }

    /** Whoever knows the name of a target hears of it, be it a snapshot that discovery is too short for. */
    private List<String> existing(final String name) {
        try {
            units.openExport(name).close();
            return List.of(name);
        } catch (final NoSuchException ex) {
            return List.of();
        }
    }
}
