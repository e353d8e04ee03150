package io.icecore.cli;

import io.icecore.volume.ByteSize;
import java.util.concurrent.TimeUnit;

/**
 * How far long work has come: one line on standard error where that is a terminal, drawn again a few times a second and
 * wiped at the end; nothing where it is not.
 */
final class Progress implements AutoCloseable {
    private static final long REDRAW_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final int BAR_LENGTH = 30;
    private static final int WIDTH_DEFAULT = 80;

    private final Console console;
    private final String what;
    private final long totalBytes;

    /** Done before this began: it counts for the share, not for the rate. */
    private final long doneBefore;

    private final long begin = System.nanoTime();
    private long drawn = begin;
    private boolean visible;

    /** @param totalBytes 0 where unknown */
    Progress(final Console console, final String what, final long totalBytes) {
        this(console, what, totalBytes, 0);
    }

    Progress(final Console console, final String what, final long totalBytes, final long doneBefore) {
        this.doneBefore = doneBefore;
        this.console = console;
        this.what = what;
        this.totalBytes = totalBytes;
    }

    void update(final long doneBytes) {
        if (!console.features().errTerminal()) {
            return;
        }
        final long now = System.nanoTime();
        if (now - drawn < REDRAW_NANOS) {
            return;
        }
        drawn = now;
        visible = true;
        final String line = line(doneBytes, now - begin);
        final int width = console.features().width() > 0 ? console.features().width() : WIDTH_DEFAULT;
        console.err().print("\r\u001b[K" + line.substring(0, Math.min(line.length(), width - 1)));
        console.err().flush();
    }

    private String line(final long doneBytes, final long nanos) {
        final double seconds = nanos / 1e9;
        final String rate = ByteSize.format((long) (Math.max(0, doneBytes - doneBefore) / seconds)) + "/s";
        if (totalBytes <= 0) {
            return what + "  " + ByteSize.format(doneBytes) + "  " + rate;
        }
        final double share = Math.min(1, (double) doneBytes / totalBytes);
        final int filled = (int) (share * BAR_LENGTH);
        final double shareNow = share - (double) doneBefore / totalBytes;
        final long left = shareNow <= 0 ? -1 : (long) (seconds * (1 - share) / shareNow);
        return String.format(
                "%s [%s%s] %3.0f %%  %s of %s  %s%s",
                what,
                "=".repeat(filled),
                " ".repeat(BAR_LENGTH - filled),
                share * 100,
                ByteSize.format(doneBytes),
                ByteSize.format(totalBytes),
                rate,
                left < 0 ? "" : String.format("  %d:%02d left", left / 60, left % 60));
    }

    @Override
    public void close() {
        if (visible) {
            console.err().print("\r\u001b[K");
            console.err().flush();
        }
    }
}
