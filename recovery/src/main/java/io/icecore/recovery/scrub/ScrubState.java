package io.icecore.recovery.scrub;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * How far a scrub has come and what it has found: kept in a small text file beside the store, because a scrub also runs where
 * the store may only be read. One line a field; the file is replaced as a whole.
 *
 * @param storeId    of the store; the state of another is no state
 * @param begun      when the scrub began
 * @param ended      when it came to the end, or null
 * @param tree       it goes on in this tree,
 * @param hi         from this key
 * @param lo         on
 * @param chunksRead so far
 * @param damage     found so far
 */
public record ScrubState(
        UUID storeId,
        Instant begun,
        Instant ended,
        int tree,
        long hi,
        long lo,
        long chunksRead,
        long chunksTotal,
        List<DamagedChunk> damage) {
    private static final String TITLE = "icecore scrub 1";
    private static final String SUFFIX = ".scrub";

    public ScrubState {
        damage = List.copyOf(damage);
    }

    /** Where the state of this store's scrub is. */
    public static Path fileOf(final Path store) {
        return store.resolveSibling(store.getFileName() + SUFFIX);
    }

    static ScrubState begin(final UUID storeId, final Instant now) {
        return new ScrubState(storeId, now, null, 0, 0, 0, 0, 0, List.of());
    }

    /** Between 0 and 1. */
    public double share() {
        return ended != null ? 1 : chunksTotal == 0 ? 0 : Math.min(1, (double) chunksRead / chunksTotal);
    }

    /** Null where there is none, or one that cannot be understood. */
    public static ScrubState load(final Path file) throws IOException {
        try {
            return parse(Files.readAllLines(file, UTF_8));
        } catch (final NoSuchFileException ex) {
            return null;
        } catch (final IllegalArgumentException | DateTimeException | IndexOutOfBoundsException ex) {
            return null; // A scrub that begins anew is all that this costs.
        }
    }

    private static ScrubState parse(final List<String> lines) {
        if (!lines.get(0).equals(TITLE)) {
            throw new IllegalArgumentException("scrub state: " + lines.get(0));
        }
        final String[] values = new String[9];
        final String[] names = {"store", "begun", "ended", "tree", "hi", "lo", "read", "total"};
        for (int i = 0; i < names.length; i++) {
            values[i] = lines.get(i + 1).substring(names[i].length() + 1);
        }
        final List<DamagedChunk> damage = new ArrayList<>();
        for (final String line : lines.subList(names.length + 1, lines.size())) {
            damage.add(DamagedChunk.parse(line));
        }
        return new ScrubState(
                UUID.fromString(values[0]),
                Instant.parse(values[1]),
                values[2].equals("-") ? null : Instant.parse(values[2]),
                Integer.parseInt(values[3]),
                Long.parseLong(values[4]),
                Long.parseLong(values[5]),
                Long.parseLong(values[6]),
                Long.parseLong(values[7]),
                damage);
    }

    public void save(final Path file) throws IOException {
        final List<String> lines = new ArrayList<>(List.of(
                TITLE,
                "store " + storeId,
                "begun " + begun,
                "ended " + (ended == null ? "-" : ended),
                "tree " + tree,
                "hi " + hi,
                "lo " + lo,
                "read " + chunksRead,
                "total " + chunksTotal));
        damage.forEach(chunk -> lines.add(chunk.line()));
        final Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.write(fresh, lines, UTF_8);
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
