package io.icecore.cli.tour;

import io.icecore.cli.tour.JsonOutput.SnapshotLine;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;

/** Shows snapshots one to a line, with a bar for what was written before each; of many, the first and the last. */
final class HistoryTable {
    private static final int LINES_MAX = 30;
    private static final int BAR_LENGTH_MAX = 22;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss");

    private final Narrator narrator;
    private final ZoneId zone;

    HistoryTable(final Narrator narrator, final ZoneId zone) {
        this.narrator = narrator;
        this.zone = zone;
    }

    /** @param event what happened at {@code eventTime}, shown in its place */
    void print(final List<SnapshotLine> history, final Instant eventTime, final String event) {
        final long most = mostWritten(history);
        narrator.quoteFaintly(String.format("%-8s  %-24s  %9s", "time", "snapshot", "written"));
        for (int i = 0; i < history.size(); i++) {
            final SnapshotLine snapshot = history.get(i);
            final Instant before = i == 0 ? Instant.MIN : history.get(i - 1).created();
            if (eventTime.isAfter(before) && eventTime.isBefore(snapshot.created())) {
                narrator.quoteFaintly(timeOf(eventTime) + "  -- " + event + " --");
            }
            final int hidden = Math.max(0, history.size() - LINES_MAX);
            if (i < LINES_MAX / 2 || i >= LINES_MAX / 2 + hidden) {
                printLine(snapshot, most);
            } else if (i == LINES_MAX / 2) {
                narrator.quoteFaintly(String.format(Locale.ROOT, "... and %,d more ...", hidden));
            }
        }
    }

    /** Without the first, which holds all that came before the timer was set. */
    private static long mostWritten(final List<SnapshotLine> history) {
        return history.stream()
                .skip(1)
                .mapToLong(SnapshotLine::writtenBytes)
                .max()
                .orElse(0);
    }

    private void printLine(final SnapshotLine snapshot, final long most) {
        final long bar = most == 0 ? 0 : Math.min(BAR_LENGTH_MAX, BAR_LENGTH_MAX * snapshot.writtenBytes() / most);
        final String line = String.format(
                "%s  %-24s  %9s  %s",
                timeOf(snapshot.created()), snapshot.name(), Narrator.bytes(snapshot.writtenBytes()), "#".repeat((int)
                                bar));
        narrator.quote(line.stripTrailing());
    }

    private String timeOf(final Instant instant) {
        return TIME.format(instant.atZone(zone));
    }
}
