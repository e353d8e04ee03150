package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonReaderTest {
    @Test
    void readsEveryKindOfValue() throws IOException {
        final Object value = JsonReader.read(
                " { \"a\" : [1, -2.5e1, true, false, null, \"x\\\"\\n\\u00e4\"], \"b\":{}, \"c\":[] }\n");

        assertThat(value)
                .isEqualTo(Map.of(
                        "a", Arrays.asList(1L, -25.0, true, false, null, "x\"\nä"), "b", Map.of(), "c", List.of()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "\"abc", "tru", "1 2", "-", "\"\\u12\"", "{a:1}"})
    void refusesWhatIsNoDocument(final String text) {
        assertThatThrownBy(() -> JsonReader.read(text)).isInstanceOf(IOException.class);
    }

    @Test
    void refusesDepthBeforeTheStackDoes() {
        assertThatThrownBy(() -> JsonReader.read("[".repeat(100_000))).isInstanceOf(IOException.class);
    }

    @Test
    void readsAListOfSnapshots() throws IOException {
        assertThat(JsonOutput.snapshots("[{\"volume\":\"disk\",\"name\":\"a\",\"epoch\":1,"
                        + "\"created\":\"2026-11-23T10:05:00.123+01:00\",\"writtenBytes\":4096,\"labels\":{}}]"))
                .containsExactly(new JsonOutput.SnapshotLine("a", Instant.parse("2026-11-23T09:05:00.123Z"), 4096));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "[1]", "[{\"name\":\"a\"}]", "[{\"name\":\"a\",\"created\":\"?\",\"writtenBytes\":1}]"})
    void saysThatSomethingIsNoListOfSnapshots(final String json) {
        assertThatThrownBy(() -> JsonOutput.snapshots(json))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("no list of snapshots");
    }
}
