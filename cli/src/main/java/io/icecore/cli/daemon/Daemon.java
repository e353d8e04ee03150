package io.icecore.cli.daemon;

import io.icecore.cli.control.CommandExecutor;
import io.icecore.cli.control.ControlServer;
import io.icecore.recovery.point.RollingSnapshots;
import io.icecore.recovery.scrub.ScrubState;
import io.icecore.store.DamageLog;
import io.icecore.store.StoreInfo;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.volume.BusyException;
import io.icecore.volume.Catalog;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.IscsiTarget;
import io.icecore.volume.iscsi.scsi.CatalogReservations;
import io.icecore.volume.nbd.NbdServer;
import io.icecore.volume.nbd.NbdServerOptions;
import java.io.IOException;
import java.net.BindException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds a store open and serves it.
 *
 * <p>Built from the device up, taken down from the clients down: what was built last is closed first, so that nothing
 * ever uses what is closed already. The constructor is the list of its parts.
 *
 * <p>Threads: those of the parts, and five of its own, {@code commit-timer}, {@code cleaner}, {@code space-preparer},
 * {@code snapshot-timer} and {@code reclaimer}. None of them is interrupted.
 */
public final class Daemon implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);

    /** Requests at the device at once. */
    private static final int WORKER_COUNT = 32;

    private static final int WORKER_QUEUE_CAPACITY = 4096;
    private static final long COMMIT_TIMER_MILLIS = 200;
    private static final long PREPARE_MILLIS = 100;
    private static final long SNAPSHOT_TIMER_MILLIS = 250;
    /** Free segments that the device is told of at once; and so many that became free last are left to be filled again. */
    private static final int DISCARDS_MAX = 256;

    private static final int DISCARDS_KEEP = 32;

    /** While clients write: a hole made now is one to be filled again in a moment, and making it holds up their writes. 4 GiB. */
    private static final int DISCARDS_KEEP_BUSY = 1024;

    private static final Duration WITHDRAWAL_GRACE = Duration.ofSeconds(5);
    private static final long SAMPLE_NANOS = 1_000_000_000;

    private final DaemonOptions options;
    private final Clock clock;
    private final Instant since;
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final List<String> listening = new CopyOnWriteArrayList<>();
    private final Catalog catalog;
    private final RollingSnapshots rolling;
    private final WithdrawableExports exports;
    private final NbdServer nbd;
    private final IscsiTarget iscsi;
    private final ClientRates rates = new ClientRates();
    private final SpaceWatch spaceWatch = new SpaceWatch();
    private long sampledNanos = System.nanoTime();

    /**
     * Starts serving; when this returns, clients can connect.
     *
     * @param commands makes what executes the commands that come over the control socket
     * @throws StoreException when the store is in use, cannot be opened, or an address cannot be listened on
     */
    public Daemon(final DaemonOptions options, final Clock clock, final Function<Daemon, CommandExecutor> commands) {
        this(
                options,
                clock,
                commands,
                CatalogOpening.forWriting(options.store(), options.io(), clock)); // Takes the lock.
    }

    /** @param catalog taken over; closing it seals */
    Daemon(
            final DaemonOptions options,
            final Clock clock,
            final Function<Daemon, CommandExecutor> commands,
            final Catalog catalog) {
        this.options = options;
        this.clock = clock;
        this.since = clock.instant();
        this.catalog = part(catalog);
        try {
            final VolumeWorkers workers = part(new VolumeWorkers(WORKER_COUNT, WORKER_QUEUE_CAPACITY));
            rolling = new RollingSnapshots(catalog);
            exports = new WithdrawableExports(catalog.exports());
            nbd = part(new NbdServer(exports, workers, NbdServerOptions.DEFAULT));
            iscsi = part(new IscsiTarget(
                    catalog.store().info().label(),
                    options.iscsiOptions(),
                    exports,
                    new CatalogReservations(catalog),
                    workers));
            part(catalog::endWaiting); // Before the servers close, which wait for their requests.
            catalog.letWritesWait();
            part(new RepeatingTask("commit-timer", this::commitStep));
            part(new RepeatingTask("cleaner", this::cleanStep));
            part(new RepeatingTask("space-preparer", this::prepareStep));
            part(new RepeatingTask("snapshot-timer", this::snapshotStep));
            part(new RepeatingTask("reclaimer", this::reclaimStep));
            part(new ControlServer(options.controlSocket(), commands.apply(this)));
            for (final ListenAddress address : options.nbd()) {
                listenForNbd(address); // Last: whoever can connect finds everything there.
            }
            for (final ListenAddress address : options.iscsi()) {
                listenForIscsi(address);
            }
        } catch (final RuntimeException | Error ex) {
            closeAfter(ex);
            throw ex;
        }
        LOG.info(
                "serving: store={} generation={}",
                options.store(),
                catalog.store().info().generation());
    }

    private <T extends AutoCloseable> T part(final T part) {
        parts.push(part);
        return part;
    }

    private void listenForNbd(final ListenAddress address) {
        if (!address.local()) {
            LOG.warn("address is reachable from other machines, without password or encryption: {}", address.nbdUri());
        }
        try {
            listening.add(new ListenAddress(nbd.listen(address.socket())).nbdUri());
        } catch (final IOException ex) {
            throw cannotListen(address.nbdUri(), ex);
        }
    }

    private void listenForIscsi(final ListenAddress address) {
        if (!address.local() && options.iscsiOptions().access().loopbackOnly()) {
            LOG.warn(
                    "address is reachable from other machines, and serves none of them without secrets or a list of"
                            + " initiators: {}",
                    address.iscsiUri());
        } else if (!address.local()) {
            LOG.warn("address is reachable from other machines, without encryption: {}", address.iscsiUri());
        }
        try {
            listening.add(new ListenAddress(iscsi.listen(address.tcp()).address()).iscsiUri());
        } catch (final IOException ex) {
            throw cannotListen(address.iscsiUri(), ex);
        }
    }

    private static RuntimeException cannotListen(final String where, final IOException problem) {
        final String message = "cannot listen on " + where + ": " + problem.getMessage();
        return problem instanceof BindException ? new BusyException(message) : new StoreException(message, problem);
    }

    public Catalog catalog() {
        return catalog;
    }

    public Path storePath() {
        return options.store();
    }

    /** Where clients connect: URIs without the name of an export. */
    public List<String> listening() {
        return List.copyOf(listening);
    }

    private List<ClientFacts> clients() {
        return Stream.concat(
                        nbd.clients().stream().map(ClientFacts::of),
                        iscsi.sessions().stream().map(ClientFacts::of))
                .toList();
    }

    private List<String> targets(final List<String> volumes) {
        return options.iscsi().isEmpty()
                ? List.of()
                : volumes.stream()
                        .map(iscsi::targetName)
                        .filter(Objects::nonNull)
                        .toList();
    }

    public DaemonStatus status() {
        final StoreInfo store = catalog.store().info();
        final List<String> volumes = catalog.exports().names(0);
        final ScrubState scrub = scrub(store);
        return new DaemonStatus(
                store,
                health(store, scrub),
                ProcessHandle.current().pid(),
                since,
                listening(),
                volumes,
                targets(volumes),
                clients().stream().map(rates::rateOf).toList(),
                rolling.status(),
                catalog.reclaimStatus(),
                catalog.freeBytes(),
                catalog.waitingWrites(),
                catalog.store().damage().places(),
                catalog.store().cacheFigures(),
                scrub);
    }

    /** The newest scrub of this store, whoever ran it. */
    private ScrubState scrub(final StoreInfo store) {
        try {
            final ScrubState state = ScrubState.load(ScrubState.fileOf(options.store()));
            return state == null || !state.storeId().equals(store.uuid()) ? null : state;
        } catch (final IOException ex) {
            LOG.debug("state of the scrub cannot be read: {}", ex.toString());
            return null;
        }
    }

    /**
     * Sends the clients of exports off, so that their volumes and snapshots can be deleted or rolled back: iSCSI
     * initiators are asked to log out first, and NBD clients, whose protocol has no such request, are disconnected once
     * they have their answers. Nobody comes back until the result is closed.
     *
     * @param names tells whether an export, by its name, is meant
     */
    public Withdrawal withdraw(final Predicate<String> names) {
        final Withdrawal withdrawal = exports.withdraw(names);
        iscsi.withdraw(names, WITHDRAWAL_GRACE);
        nbd.withdraw(names);
        return withdrawal;
    }

    private String health(final StoreInfo store, final ScrubState scrub) {
        if (!store.health().equals("ok")) {
            return store.health();
        }
        final String noRoom = catalog.store().noRoomBelow();
        if (noRoom != null) {
            return "no room below the store, writes fail until there is: " + noRoom;
        }
        final List<DamageLog.Damage> damage = catalog.store().damage().places();
        if (!damage.isEmpty()) {
            return "damage found: " + damage.get(0).what() + (damage.size() > 1 ? ", and more" : "");
        }
        if (scrub != null && !scrub.damage().isEmpty()) {
            return "damage found by the scrub begun " + scrub.begun() + ": "
                    + scrub.damage().size() + " chunks";
        }
        return rolling.status().stream()
                .filter(volume -> volume.lastError() != null)
                .map(volume -> "rolling snapshots of " + volume.volume() + " fail: " + volume.lastError())
                .findFirst()
                .orElse(catalog.waitingWrites() > 0 ? "store full, writes wait" : spaceWatch.health());
    }

    // ---- the background

    private long commitStep() {
        catalog.store().idle();
        catalog.waitingStep();
        if (System.nanoTime() - sampledNanos >= SAMPLE_NANOS) {
            sampledNanos = System.nanoTime();
            rates.sample(clients());
            spaceWatch.look(catalog.freeBytes(), catalog.store().info().sizeBytes());
        }
        return COMMIT_TIMER_MILLIS;
    }

    private long cleanStep() {
        try {
            final long pauseMillis = catalog.cleanAtPace();
            catalog.store().discardFree(DISCARDS_MAX, catalog.store().atRest() ? DISCARDS_KEEP : DISCARDS_KEEP_BUSY);
            return pauseMillis;
        } catch (final CorruptStoreException ex) {
            catalog.store().damage().add(ex);
            throw ex;
        }
    }

    private long prepareStep() {
        catalog.store().prepareSpace();
        return PREPARE_MILLIS;
    }

    private long snapshotStep() {
        rolling.tick(clock.instant());
        return SNAPSHOT_TIMER_MILLIS;
    }

    private long reclaimStep() {
        try {
            return catalog.reclaimAtPace();
        } catch (final CorruptStoreException ex) {
            catalog.store().damage().add(ex);
            throw ex;
        }
    }

    // ---- the end

    /** Lets requests and commands in flight finish, commits, seals, and gives the store back. */
    @Override
    public void close() {
        LOG.info("stopping: store={}", options.store());
        final RuntimeException failure = closeParts(null);
        if (failure != null) {
            throw failure;
        }
        LOG.info("stopped: store={}", options.store());
    }

    private void closeAfter(final Throwable failure) {
        final RuntimeException secondary = closeParts(null);
        if (secondary != null) {
            failure.addSuppressed(secondary);
        }
    }

    private RuntimeException closeParts(final RuntimeException earlier) {
        RuntimeException failure = earlier;
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (final Exception ex) {
                final RuntimeException wrapped =
                        ex instanceof RuntimeException runtime ? runtime : new StoreException(ex.getMessage(), ex);
                if (failure == null) {
                    failure = wrapped;
                } else {
                    failure.addSuppressed(wrapped);
                }
            }
        }
        return failure;
    }
}
