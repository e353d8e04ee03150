package io.icecore.cli;

import java.util.ArrayList;
import java.util.List;

/** Aligned columns for people. Cells are strings without line breaks; the last column is never padded. */
final class Table {
    /** How a column's cells stand. */
    enum Align {
        LEFT,
        RIGHT
    }

    private static final String GAP = "  ";

    private final List<String> titles = new ArrayList<>();
    private final List<Align> aligns = new ArrayList<>();
    private final List<String[]> rows = new ArrayList<>();

    Table left(final String title) {
        return column(title, Align.LEFT);
    }

    Table right(final String title) {
        return column(title, Align.RIGHT);
    }

    private Table column(final String title, final Align align) {
        assert rows.isEmpty() : "column after the first row: " + title;
        titles.add(title);
        aligns.add(align);
        return this;
    }

    /** One cell for each column. */
    Table row(final String... cells) {
        assert cells.length == titles.size() : cells.length + " cells (expected: " + titles.size() + ")";
        rows.add(cells);
        return this;
    }

    void print(final Console console) {
        final int[] widths = new int[titles.size()];
        measure(titles.toArray(new String[0]), widths);
        for (final String[] row : rows) {
            measure(row, widths);
        }

        final String header = line(titles.toArray(new String[0]), widths);
        console.out().println(console.features().colour() ? "\u001b[1m" + header + "\u001b[0m" : header);
        for (final String[] row : rows) {
            console.out().println(line(row, widths));
        }
    }

    private static void measure(final String[] cells, final int[] widths) {
        for (int i = 0; i < cells.length; i++) {
            widths[i] = Math.max(widths[i], cells[i].length());
        }
    }

    private String line(final String[] cells, final int[] widths) {
        final StringBuilder line = new StringBuilder();
        for (int i = 0; i < cells.length; i++) {
            final String padding = " ".repeat(widths[i] - cells[i].length());
            line.append(i == 0 ? "" : GAP);
            if (aligns.get(i) == Align.RIGHT) {
                line.append(padding).append(cells[i]);
            } else {
                line.append(cells[i]).append(padding);
            }
        }
        return line.toString().stripTrailing();
    }
}
