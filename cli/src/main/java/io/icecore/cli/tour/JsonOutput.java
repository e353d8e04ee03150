package io.icecore.cli.tour;

import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the commands say to programs, with {@code --json}. */
final class JsonOutput {
    /**
     * A line of {@code snapshot list}.
     *
     * @param writtenBytes bytes that differ from the snapshot before
     */
    record SnapshotLine(String name, Instant created, long writtenBytes) {}

    private JsonOutput() {}

    /** Of {@code snapshot list}: oldest first. */
    static List<SnapshotLine> snapshots(final String json) throws IOException {
        try {
            final List<SnapshotLine> lines = new ArrayList<>();
            for (final Object element : (List<?>) JsonReader.read(json)) {
                final Map<?, ?> snapshot = (Map<?, ?>) element;
                lines.add(new SnapshotLine(
                        (String) snapshot.get("name"),
                        OffsetDateTime.parse((String) snapshot.get("created")).toInstant(),
                        (Long) snapshot.get("writtenBytes")));
            }
            return lines;
        } catch (final ClassCastException | NullPointerException | DateTimeException ex) {
            throw new IOException("no list of snapshots: " + json, ex);
        }
    }

    /** Of {@code store info}. */
    static long usedBytes(final String json) throws IOException {
        if (JsonReader.read(json) instanceof Map<?, ?> info && info.get("usedBytes") instanceof Long bytes) {
            return bytes;
        }
        throw new IOException("no facts of a store: " + json);
    }
}
