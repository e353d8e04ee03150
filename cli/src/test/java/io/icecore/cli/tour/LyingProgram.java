package io.icecore.cli.tour;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the tour needs of {@code icecore}, done in the simplest way, and with one fault on request: a tour that cannot fail
 * would prove nothing.
 *
 * <p>The "store" is the imported image, a log of all writes beside it, and a list of snapshots, each no more than a
 * position in that log. The first argument names the fault.
 */
final class LyingProgram {
    enum Fault {
        NONE,
        /** A snapshot is read with a single bit wrong. */
        WRONG_BIT,
        /** One chunk of a snapshot comes from the head. */
        LEAKS_THE_HEAD,
        /** Snapshots bear the time of another moment. */
        WRONG_TIME,
        /** The snapshot by hand holds a write that came before it no more. */
        MISSES_A_WRITE,
        /** A restart forgets the last hundred writes, although they were flushed. */
        FORGETS_FLUSHED_WRITES,
        /** Reads of less than a chunk give what the image held. */
        FORGETS_IN_SMALL_READS,
        /** A restart forgets a snapshot. */
        FORGETS_A_SNAPSHOT,
        /** {@code check} finds damage. */
        IS_DAMAGED
    }

    private static final int CHUNK_LENGTH = 4096;
    private static final int ENTRY_LENGTH = Integer.BYTES + CHUNK_LENGTH;

    private final Fault fault;
    private final Path image;
    private final Path log;
    private final Path snapshots;

    private LyingProgram(final Fault fault, final Path store) {
        this.fault = fault;
        image = store;
        log = Path.of(store + ".log");
        snapshots = Path.of(store + ".snapshots");
    }

    public static void main(final String[] arguments) throws Exception {
        final LyingProgram program =
                new LyingProgram(Fault.valueOf(arguments[0]), Path.of(System.getenv("ICECORE_STORE")));
        final List<String> words = List.of(arguments).subList(1, arguments.length);
        if (program.fault == Fault.IS_DAMAGED && words.get(0).equals("check")) {
            System.out.println("block 4711: owned twice");
            System.exit(6);
        }
        switch (words.get(0) + (words.size() > 1 ? " " + words.get(1) : "")) {
            case "store create" -> Files.createFile(program.image);
            case "store info" -> System.out.println("{\"usedBytes\":" + Files.size(program.log) + "}");
            case "volume import" -> program.importImage(Path.of(words.get(3)));
            case "snapshot create" -> program.snapshot(words.get(4));
            case "snapshot list" -> program.list();
            case "serve --nbd" -> program.serve(Path.of(words.get(2).substring("unix:".length())));
            case "policy set", "check", "--version" -> System.out.println("done");
            default -> System.exit(2);
        }
    }

    private void importImage(final Path source) throws IOException {
        Files.copy(source, image, StandardCopyOption.REPLACE_EXISTING);
        Files.createFile(log);
        Files.createFile(snapshots);
    }

    // ---- snapshots

    private record Line(String name, Instant created, int writes) {}

    private void snapshot(final String name) throws IOException {
        final boolean short1 = fault == Fault.MISSES_A_WRITE && !name.startsWith("rolling");
        final int writes = (int) (Files.size(log) / ENTRY_LENGTH) - (short1 ? 1 : 0);
        final Instant created = fault == Fault.WRONG_TIME ? Instant.now().minusSeconds(5) : Instant.now();
        Files.writeString(snapshots, name + " " + created + " " + writes + "\n", StandardOpenOption.APPEND);
    }

    private List<Line> lines() throws IOException {
        final List<Line> lines = new ArrayList<>();
        for (final String line : Files.readAllLines(snapshots)) {
            final String[] words = line.split(" ");
            lines.add(new Line(words[0], Instant.parse(words[1]), Integer.parseInt(words[2])));
        }
        return lines;
    }

    private void list() throws IOException {
        final List<String> json = new ArrayList<>();
        int before = 0;
        for (final Line line : lines()) {
            json.add(String.format(
                    "{\"name\":\"%s\",\"created\":\"%s\",\"writtenBytes\":%d}",
                    line.name, line.created, (line.writes - before) * CHUNK_LENGTH));
            before = line.writes;
        }
        System.out.println("[" + String.join(",", json) + "]");
    }

    // ---- server

    private void serve(final Path socket) throws IOException, InterruptedException {
        if (Files.deleteIfExists(socket)) { // Left behind: this is the restart after the kill.
            forget();
        }
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(0)));
        final ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        start(() -> {
            for (int i = 0; ; i++) {
                Thread.sleep(500);
                synchronized (this) {
                    snapshot("rolling-" + System.nanoTime() + "-" + i);
                }
            }
        });
        while (true) {
            final SocketChannel client = server.accept();
            start(() -> talk(client));
        }
    }

    private void forget() throws IOException {
        if (fault == Fault.FORGETS_FLUSHED_WRITES) {
            try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
                file.setLength(file.length() - 100L * ENTRY_LENGTH);
            }
        }
        if (fault == Fault.FORGETS_A_SNAPSHOT) {
            final List<String> lines = new ArrayList<>(Files.readAllLines(snapshots));
            lines.remove(lines.size() / 2);
            Files.write(snapshots, lines);
        }
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private static void start(final Work work) {
        final Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (final EOFException ex) {
                return; // The client is gone.
            } catch (final IOException | InterruptedException ex) {
                throw new IllegalStateException(ex);
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private void talk(final SocketChannel client) throws IOException {
        try (client) {
            final DataInputStream in = new DataInputStream(Channels.newInputStream(client));
            final DataOutputStream out = new DataOutputStream(Channels.newOutputStream(client));
            out.writeLong(0x4e42444d41474943L);
            out.writeLong(0x49484156454F5054L);
            out.writeShort(3);
            in.readInt();
            in.readLong();
            in.readInt();
            in.readInt();
            final String export = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
            in.readShort();
            reply(out, 3, new byte[12], Files.size(image));
            reply(out, 1, new byte[0], 0);
            transmit(in, out, export);
        }
    }

    private static void reply(final DataOutputStream out, final int type, final byte[] content, final long size)
            throws IOException {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final DataOutputStream reply = new DataOutputStream(bytes);
        reply.writeLong(0x3e889045565a9L);
        reply.writeInt(7);
        reply.writeInt(type);
        reply.writeInt(content.length);
        if (content.length > 0) {
            reply.writeShort(0);
            reply.writeLong(size);
            reply.writeShort(1);
        }
        out.write(bytes.toByteArray());
    }

    private void transmit(final DataInputStream in, final DataOutputStream out, final String export)
            throws IOException {
        final Map<Integer, Integer> entries = entriesOf(export);
        while (true) {
            in.readInt();
            final int command = in.readInt();
            final long cookie = in.readLong();
            final long offset = in.readLong();
            final int length = in.readInt();
            byte[] content = new byte[0];
            if (command == 2) {
                return;
            } else if (command == 1) {
                write(entries, (int) (offset / CHUNK_LENGTH), in.readNBytes(length));
            } else if (command == 0) {
                content = read(entries, offset, length, export);
            }
            final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            final DataOutputStream reply = new DataOutputStream(bytes);
            reply.writeInt(0x67446698);
            reply.writeInt(0);
            reply.writeLong(cookie);
            reply.write(content);
            out.write(bytes.toByteArray());
        }
    }

    /** Which entry of the log each chunk of the export is in. */
    private Map<Integer, Integer> entriesOf(final String export) throws IOException {
        int count = (int) (Files.size(log) / ENTRY_LENGTH);
        final int at = export.indexOf('@');
        if (at >= 0) {
            count = lines().stream()
                    .filter(line -> line.name.equals(export.substring(at + 1)))
                    .findFirst()
                    .orElseThrow()
                    .writes;
        }
        final Map<Integer, Integer> entries = new HashMap<>();
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            for (int i = 0; i < count; i++) {
                file.seek((long) i * ENTRY_LENGTH);
                entries.put(file.readInt(), i);
            }
            if (at >= 0 && fault == Fault.LEAKS_THE_HEAD) {
                final int last = (int) (file.length() / ENTRY_LENGTH) - 1;
                file.seek((long) last * ENTRY_LENGTH);
                entries.put(file.readInt(), last);
            }
        }
        return entries;
    }

    private synchronized void write(final Map<Integer, Integer> entries, final int chunk, final byte[] content)
            throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
            entries.put(chunk, (int) (file.length() / ENTRY_LENGTH));
            file.seek(file.length());
            final ByteArrayOutputStream entry = new ByteArrayOutputStream();
            new DataOutputStream(entry).writeInt(chunk);
            entry.write(content);
            file.write(entry.toByteArray());
        }
    }

    private byte[] read(final Map<Integer, Integer> entries, final long offset, final int length, final String export)
            throws IOException {
        final byte[] content = new byte[length];
        try (RandomAccessFile base = new RandomAccessFile(image.toFile(), "r");
                RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            int done = 0;
            while (done < length) {
                final long at = offset + done;
                final int inChunk = (int) (at % CHUNK_LENGTH);
                final int part = Math.min(CHUNK_LENGTH - inChunk, length - done);
                final boolean forgets = fault == Fault.FORGETS_IN_SMALL_READS && length < CHUNK_LENGTH;
                final Integer entry = forgets ? null : entries.get((int) (at / CHUNK_LENGTH));
                final RandomAccessFile source = entry == null ? base : file;
                source.seek(entry == null ? at : (long) entry * ENTRY_LENGTH + Integer.BYTES + inChunk);
                source.readFully(content, done, part);
                done += part;
            }
        } catch (final EOFException ex) {
            throw new UncheckedIOException(ex);
        }
        final long wrongByte = 77_000_000;
        if (fault == Fault.WRONG_BIT && export.contains("@") && offset <= wrongByte && wrongByte < offset + length) {
            content[(int) (wrongByte - offset)] ^= 1;
        }
        return content;
    }
}
