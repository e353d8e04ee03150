package io.icecore.cli.tour;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/**
 * Clients that write to the volumes of a running daemon, while snapshots are taken and deleted, until the daemon is gone;
 * and the knowledge of what must then be there.
 */
final class DiskLoad {
    static final String FIRST = "vm1";
    static final String SECOND = "vm2";
    static final long VOLUME_BYTES = 8L << 20;
    private static final int CHUNKS = 400;
    private static final int CHUNKS_PER_WRITE_MAX = 8;
    private static final int WRITES_PER_FLUSH = 25;
    private static final int SNAPSHOTS_MAX = 8;
    private static final int TIMER_SNAPSHOTS_MAX = 60;

    /** A snapshot that somebody asked for, by hand: between which writes of each client it was taken. */
    private static final class Asked {
        final int[] earliest;
        final int[] latest;
        boolean created;
        boolean deleting;
        boolean deleted;

        Asked(final int[] earliest, final int[] latest) {
            this.earliest = earliest;
            this.latest = latest;
        }
    }

    /** How often each thing was checked: what was never there was not tested. */
    final Map<String, Integer> seen = new TreeMap<>();

    private final Commands commands;
    private final Random random;
    private final List<ClientRecord> clients = List.of(
            new ClientRecord(FIRST, 1, 0, CHUNKS),
            new ClientRecord(FIRST, 2, 1000, CHUNKS),
            new ClientRecord(SECOND, 3, 40, CHUNKS));

    private final Map<String, Asked> asked = new TreeMap<>();

    /** Where each snapshot was found to be cut: the same for ever. By volume@name and client. */
    private final Map<String, Integer> cuts = new HashMap<>();

    private int names;

    DiskLoad(final Path controlSocket, final Random random) {
        commands = new Commands(controlSocket);
        this.random = random;
    }

    List<ClientRecord> clients() {
        return clients;
    }

    // ---- load

    /** Runs clients and snapshots until the daemon is gone. Meanwhile {@code accident} runs, and makes it go. */
    void runUntil(final Icecore.Server server, final Callable<Void> accident) throws Exception {
        final ExecutorService threads = Executors.newCachedThreadPool();
        try {
            final List<Future<Void>> running = new ArrayList<>();
            for (final ClientRecord client : clients) {
                final long seed = random.nextLong();
                running.add(threads.submit(() -> write(server, client, new Random(seed))));
            }
            final long seed = random.nextLong();
            running.add(threads.submit(() -> takeAndDelete(new Random(seed))));
            accident.call();
            for (final Future<Void> thread : running) {
                thread.get();
            }
        } catch (final ExecutionException ex) {
            throw new AssertionError("load: " + ex.getCause(), ex);
        } finally {
            threads.shutdownNow();
        }
    }

    private Void write(final Icecore.Server server, final ClientRecord record, final Random own) {
        try (NbdClient disk = server.connect(record.volume)) {
            for (int i = 1; ; i++) {
                final int count = 1 + own.nextInt(CHUNKS_PER_WRITE_MAX);
                final int chunk = own.nextInt(record.chunkCount - count);
                final ByteBuffer content = record.issue(chunk, count);
                disk.write((long) (record.firstChunk + chunk) * ClientRecord.CHUNK, content);
                record.acknowledged();
                if (i % WRITES_PER_FLUSH == 0) {
                    final int ordinal = record.acknowledgedOrdinal();
                    disk.flush();
                    record.flushed(ordinal);
                }
            }
        } catch (final NbdClient.RefusedException ex) {
            throw new AssertionError("refused: " + ex.getMessage(), ex);
        } catch (final IOException ex) {
            return null; // The daemon is gone.
        }
    }

    private Void takeAndDelete(final Random own) throws InterruptedException {
        try {
            while (true) {
                take("s" + ++names);
                final List<String> deletable = asked.entrySet().stream()
                        .filter(entry -> entry.getValue().created && !entry.getValue().deleting)
                        .map(Map.Entry::getKey)
                        .collect(Collectors.toCollection(ArrayList::new));
                while (deletable.size() > SNAPSHOTS_MAX) { // One more is left each time that it is killed before this.
                    delete(deletable.remove(own.nextInt(deletable.size())));
                }
                Thread.sleep(own.nextInt(100));
            }
        } catch (final IOException ex) {
            return null;
        }
    }

    private void take(final String name) throws IOException {
        final int[] latest = new int[clients.size()];
        final Asked snapshot = new Asked(
                clients.stream().mapToInt(ClientRecord::acknowledgedOrdinal).toArray(), latest);
        Arrays.fill(latest, Integer.MAX_VALUE);
        asked.put(name, snapshot);
        command("snapshot", "create", FIRST, SECOND, "--name", name);
        for (int i = 0; i < latest.length; i++) {
            latest[i] = clients.get(i).issuedOrdinal();
        }
        snapshot.created = true;
    }

    private void delete(final String name) throws IOException {
        asked.get(name).deleting = true;
        command("snapshot", "delete", FIRST + "@" + name, SECOND + "@" + name);
        asked.get(name).deleted = true;
    }

    /** Has the daemon run a command, and returns what it prints. */
    String command(final String... arguments) throws IOException {
        return commands.run(arguments);
    }

    // ---- proof

    /** Reads a part of a head or snapshot. */
    @FunctionalInterface
    interface Reader {
        void read(String spec, long offset, ByteBuffer target) throws IOException;
    }

    /** Names of the snapshots of a volume, oldest first. */
    @FunctionalInterface
    interface Lister {
        List<String> list(String volume) throws IOException;
    }

    /** After a crash: proves heads and snapshots, and goes on from there. */
    void prove(final Lister lister, final Reader reader, final String when) throws IOException {
        final int[] floors =
                clients.stream().mapToInt(ClientRecord::flushedOrdinal).toArray();
        final int[] ends =
                clients.stream().mapToInt(ClientRecord::issuedOrdinal).toArray();
        final int[] heads = proveCopy(lister, reader, when, floors, ends, true);
        for (int i = 0; i < heads.length; i++) {
            clients.get(i).continueFrom(heads[i]);
        }
    }

    /**
     * Proves a state of the store between two moments; returns the cuts of the heads.
     *
     * @param floors the heads hold at least these writes
     * @param ends   and at most these
     * @param newest nothing has happened since: what was asked for and answered is done
     */
    int[] proveCopy(
            final Lister lister,
            final Reader reader,
            final String when,
            final int[] floors,
            final int[] ends,
            final boolean newest)
            throws IOException {
        final int[] heads = new int[clients.size()];
        final List<List<String>> byHand = new ArrayList<>();
        for (final String volume : List.of(FIRST, SECOND)) {
            final List<String> snapshots = lister.list(volume);
            byHand.add(snapshots.stream().filter(asked::containsKey).toList());
            if (newest) {
                proveNames(volume, snapshots, when);
            }
            final int[] before = new int[clients.size()];
            for (final String name : snapshots) {
                try {
                    proveSnapshot(volume, name, before, reader, when);
                } catch (final NbdClient.RefusedException ex) {
                    if (asked.containsKey(name) || lister.list(volume).contains(name)) {
                        throw ex;
                    }
                    see("thinned before it was proved");
                }
            }
            for (int i = 0; i < clients.size(); i++) {
                if (clients.get(i).volume.equals(volume)) {
                    heads[i] = cut(volume, clients.get(i), reader, when);
                    requireBetween(
                            heads[i], Math.max(before[i], floors[i]), ends[i], when + ", head, client " + (i + 1));
                    see(heads[i] == ends[i] ? "head with all that was sent" : "head without the last writes");
                }
            }
        }
        if (!byHand.get(0).equals(byHand.get(1))) {
            throw new AssertionError(when + ": snapshots of both volumes at once: " + byHand);
        }
        if (newest) {
            settle(byHand.get(0));
        }
        return heads;
    }

    private void proveNames(final String volume, final List<String> snapshots, final String when) {
        asked.forEach((name, snapshot) -> {
            final boolean there = snapshots.contains(name);
            if (there && snapshot.deleted || !there && snapshot.created && !snapshot.deleting) {
                throw new AssertionError(when + ": " + volume + "@" + name + " is " + (there ? "there" : "gone"));
            }
            see(there ? "snapshot kept" : "snapshot gone");
        });
        if (snapshots.size() > TIMER_SNAPSHOTS_MAX) {
            throw new AssertionError(when + ": " + snapshots.size() + " snapshots of " + volume + " are never thinned");
        }
    }

    private void proveSnapshot(
            final String volume, final String name, final int[] before, final Reader reader, final String when)
            throws IOException {
        final Asked snapshot = asked.get(name);
        for (int i = 0; i < clients.size(); i++) {
            final ClientRecord client = clients.get(i);
            if (client.volume.equals(volume)) {
                final String what = when + ", " + volume + "@" + name + ", client " + client.client;
                final int cut = cut(volume + "@" + name, client, reader, when);
                final Integer known = cuts.putIfAbsent(volume + "@" + name + " " + i, cut);
                if (known != null) {
                    requireBetween(cut, known, known, what + ", which was proved before");
                } else if (snapshot != null) {
                    requireBetween(cut, snapshot.earliest[i], snapshot.latest[i], what);
                }
                requireBetween(cut, before[i], Integer.MAX_VALUE, what + ", after an older snapshot");
                before[i] = cut;
                see(snapshot != null ? "snapshot proved" : "rolling snapshot proved");
            }
        }
    }

    private static int cut(final String spec, final ClientRecord client, final Reader reader, final String when)
            throws IOException {
        final ByteBuffer content = ByteBuffer.allocate(client.chunkCount * ClientRecord.CHUNK);
        reader.read(spec, (long) client.firstChunk * ClientRecord.CHUNK, content);
        return client.cutOf(content, when + ", " + spec);
    }

    private static void requireBetween(final int cut, final int min, final int max, final String what) {
        if (cut < min || cut > max) {
            throw new AssertionError(what + ": ends with write " + cut + " (expected: " + min + " to " + max + ")");
        }
    }

    /** Snapshots that a crash took with it, or that are gone, are not asked about any more. */
    private void settle(final List<String> there) {
        asked.entrySet().removeIf(entry -> !there.contains(entry.getKey()));
        asked.values().forEach(snapshot -> {
            snapshot.created = true;
            snapshot.deleting = false;
        });
    }

    private void see(final String what) {
        seen.merge(what, 1, Integer::sum);
    }
}
