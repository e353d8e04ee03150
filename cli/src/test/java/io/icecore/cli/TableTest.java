package io.icecore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.Test;

class TableTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @Test
    void alignsEachColumnToItsWidestCellOrItsTitle() {
        final Table table = new Table()
                .left("NAME")
                .right("SIZE")
                .left("LABEL")
                .row("a", "10", "")
                .row("longer", "1234567", "x");

        assertThat(printed(table)).containsExactly("NAME       SIZE  LABEL", "a            10", "longer  1234567  x");
    }

    @Test
    void keepsTheCellsOfManyRowsApart() {
        final Table table = new Table().left("N").left("SQUARE");
        for (int i = 0; i < 10_000; i++) {
            table.row("n" + i, "é" + i * i);
        }

        final String[] lines = printed(table);

        assertThat(lines).hasSize(10_001);
        assertThat(lines[0]).isEqualTo("N      SQUARE");
        assertThat(lines[1]).isEqualTo("n0     é0");
        assertThat(lines[10_000]).isEqualTo("n9999  é99980001");
    }

    @Test
    void printsTheTitlesWhereThereAreNoRows() {
        assertThat(printed(new Table().left("NAME").right("SIZE"))).containsExactly("NAME  SIZE");
    }

    private String[] printed(final Table table) {
        final Console console = new Console(
                InputStream.nullInputStream(),
                out,
                OutputStream.nullOutputStream(),
                Path.of(""),
                ConsoleFeatures.PLAIN,
                Clock.systemUTC());
        table.print(console);
        console.out().flush();
        return out.toString(UTF_8).split(System.lineSeparator());
    }
}
