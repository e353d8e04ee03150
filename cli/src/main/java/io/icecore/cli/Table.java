package io.icecore.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Aligned columns for people. Cells are strings without line breaks; the last column is never padded.
 *
 * <p>How wide a column is shows only after the last row. Until then all cells stand in one text: as objects of their own, those
 * of 100,000 rows keep the garbage collector busier than all else that a command does.
 */
final class Table {
    /** How a column's cells stand. */
    enum Align {
        LEFT,
        RIGHT
    }

    private static final String GAP = "  ";

    private final List<String> titles = new ArrayList<>();
    private final List<Align> aligns = new ArrayList<>();
    private final StringBuilder cells = new StringBuilder();
    /** Where each cell ends in {@link #cells}, row by row. */
    private int[] ends = new int[64];

    private int cellCount;
    private int[] widths = {};

    Table left(final String title) {
        return column(title, Align.LEFT);
    }

    Table right(final String title) {
        return column(title, Align.RIGHT);
    }

    private Table column(final String title, final Align align) {
        assert cellCount == 0 : "column after the first row: " + title;
        titles.add(title);
        aligns.add(align);
        widths = Arrays.copyOf(widths, titles.size());
        widths[titles.size() - 1] = title.length();
        return this;
    }

    /** One cell for each column. */
    Table row(final String... row) {
        assert row.length == titles.size() : row.length + " cells (expected: " + titles.size() + ")";
        if (ends.length < cellCount + row.length) {
            ends = Arrays.copyOf(ends, 2 * (cellCount + row.length));
        }
        for (int i = 0; i < row.length; i++) {
            cells.append(row[i]);
            ends[cellCount++] = cells.length();
            widths[i] = Math.max(widths[i], row[i].length());
        }
        return this;
    }

    void print(final Console console) {
        final StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            appendCell(line, i, titles.get(i), 0, titles.get(i).length());
        }
        stripTrailing(line);
        console.out().println(console.features().colour() ? "\u001b[1m" + line + "\u001b[0m" : line);
        line.setLength(0);
        for (int cell = 0, start = 0; cell < cellCount; cell++) {
            final int column = cell % widths.length;
            appendCell(line, column, cells, start, ends[cell]);
            start = ends[cell];
            if (column == widths.length - 1) {
                stripTrailing(line);
                console.out().println(line);
                line.setLength(0);
            }
        }
    }

    private void appendCell(
            final StringBuilder line, final int column, final CharSequence text, final int start, final int end) {
        final int padding = widths[column] - (end - start);
        line.append(column == 0 ? "" : GAP);
        if (aligns.get(column) == Align.RIGHT) {
            appendBlanks(line, padding);
            line.append(text, start, end);
        } else {
            line.append(text, start, end);
            appendBlanks(line, padding);
        }
    }

    private static void appendBlanks(final StringBuilder line, final int count) {
        for (int i = 0; i < count; i++) {
            line.append(' ');
        }
    }

    private static void stripTrailing(final StringBuilder line) {
        int end = line.length();
        while (end > 0 && line.charAt(end - 1) == ' ') {
            end--;
        }
        line.setLength(end);
    }
}
