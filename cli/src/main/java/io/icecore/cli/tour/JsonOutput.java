package io.icecore.cli.tour;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;

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
        final List<SnapshotLine> lines = new ArrayList<>();
        for (final JsonNode node : new ObjectMapper().readTree(json)) {
            lines.add(new SnapshotLine(
                    node.required("name").asText(),
                    OffsetDateTime.parse(node.required("created").asText()).toInstant(),
                    node.required("writtenBytes").asLong()));
        }
        return lines;
    }

    /** Of {@code store info}. */
    static long usedBytes(final String json) throws IOException {
        return new ObjectMapper().readTree(json).required("usedBytes").asLong();
    }
}
