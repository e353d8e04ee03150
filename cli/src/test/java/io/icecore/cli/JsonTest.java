package io.icecore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class JsonTest {
    @Test
    void keepsTheOrderOfMembers() {
        assertThat(Json.object().with("b", 1).with("a", null).with("c", true))
                .hasToString("{\"b\":1,\"a\":null,\"c\":true}");
    }

    @Test
    void nestsObjectsAndArraysEmptyOnesToo() {
        assertThat(Json.document(List.of(Json.object().with("m", Map.of()).with("l", List.of()), List.of(1, 2))))
                .isEqualTo("[{\"m\":{},\"l\":[]},[1,2]]");
    }

    @Test
    void aParserReadsBackEveryCharacterThatWasWritten() throws IOException {
        final StringBuilder all = new StringBuilder();
        for (char c = 0; c < 0x3000; c++) {
            all.append(c);
        }
        all.append("\uD83E\uDDCA").append('\uFFFF');

        final JsonNode read = new ObjectMapper().readTree(Json.document(Map.of(all.toString(), all.toString())));

        assertThat(read.fieldNames().next()).isEqualTo(all.toString());
        assertThat(read.get(all.toString()).asText()).isEqualTo(all.toString());
    }

    @Test
    void printsALongArrayAsTheDocumentThatItIs() {
        final List<Integer> elements = IntStream.range(0, 10_000).boxed().toList();
        final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Json.printArray(
                new PrintStream(out, true, UTF_8), elements, i -> Json.object().with("n", "é" + i));

        assertThat(out.toString(UTF_8))
                .isEqualTo(Json.document(elements.stream()
                                .map(i -> Json.object().with("n", "é" + i))
                                .toList())
                        + System.lineSeparator());
    }

    @Test
    void printsAnEmptyArray() {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Json.printArray(new PrintStream(out, true, UTF_8), List.<Json>of(), json -> json);

        assertThat(out.toString(UTF_8)).isEqualTo("[]" + System.lineSeparator());
    }

    @Test
    void writesNoNumberThatJsonDoesNotKnow() {
        assertThat(Json.document(List.of(Double.NaN, 1.5, Long.MAX_VALUE))).isEqualTo("[null,1.5,9223372036854775807]");
    }
}
