package io.icecore.cli.tour;

import java.io.PrintWriter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Says what the tour does, for people who see it for the first time. Steps are numbered, text is wrapped, commands are
 * shown as one would type them; colour and a line that counts only on a terminal.
 */
final class Narrator {
    private static final int WIDTH = 80;
    private static final String INDENT = "   ";
    private static final String BOLD = "1";
    private static final String GREEN = "32";
    private static final String CYAN = "36";
    private static final String RED = "31";
    private static final String FAINT = "2";

    private final PrintWriter out;
    private final boolean colour;
    private final boolean terminal;
    private final Clock clock;
    private int step;
    private boolean counting;

    /** @param terminal a line may be written over, to show something going on */
    Narrator(final PrintWriter out, final boolean colour, final boolean terminal, final Clock clock) {
        this.out = out;
        this.colour = colour;
        this.terminal = terminal;
        this.clock = clock;
    }

    void title(final String text) {
        line(paint(BOLD, text));
    }

    /** Begins the next step. */
    void step(final String title) {
        line("");
        line(paint(BOLD, ++step + ". " + title));
    }

    void gap() {
        line("");
    }

    void say(final String format, final Object... values) {
        wrap(String.format(Locale.ROOT, format, values), WIDTH - INDENT.length())
                .forEach(text -> line(INDENT + text));
    }

    /** A command that is being run, or that one could type. */
    void command(final String command) {
        line(INDENT + "  " + paint(CYAN, "$ " + command));
    }

    /** A line that is not wrapped: of a table, of a file. */
    void quote(final String text) {
        line(INDENT + "  " + text);
    }

    void quoteFaintly(final String text) {
        line(INDENT + "  " + paint(FAINT, text));
    }

    /** Something that was proved. */
    void proved(final String format, final Object... values) {
        final List<String> lines = wrap(String.format(Locale.ROOT, format, values), WIDTH - INDENT.length() - 5);
        line(INDENT + paint(GREEN, "[ok]") + " " + lines.get(0));
        lines.subList(1, lines.size()).forEach(text -> line(INDENT + "     " + text));
    }

    void failed(final String text) {
        line(INDENT + paint(RED, "[FAILED]") + " " + text);
    }

    /** What goes on just now: on a terminal it replaces what was said so before, elsewhere it is not printed. */
    void now(final String format, final Object... values) {
        if (terminal) {
            final String text = INDENT + String.format(Locale.ROOT, format, values);
            out.print("\r" + text + " ".repeat(Math.max(0, WIDTH - 1 - text.length())));
            out.flush();
            counting = true;
        }
    }

    /** Seconds since then, as {@code 0.42 s}. */
    String since(final Instant then) {
        return seconds(Duration.between(then, clock.instant()));
    }

    static String seconds(final Duration duration) {
        final double seconds = duration.toMillis() / 1000.0;
        return String.format(Locale.ROOT, seconds < 1 ? "%.2f s" : "%.1f s", seconds);
    }

    /** {@code 61.2 MiB}. */
    static String bytes(final long bytes) {
        if (bytes < 1 << 20) {
            return String.format(Locale.ROOT, bytes == 0 ? "0 KiB" : "%.0f KiB", Math.max(1, bytes / 1024.0));
        }
        return bytes < 1 << 30
                ? String.format(
                        Locale.ROOT, bytes % (1 << 20) == 0 ? "%.0f MiB" : "%.1f MiB", bytes / (double) (1 << 20))
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1 << 30));
    }

    private void line(final String text) {
        if (counting) {
            out.print("\r" + " ".repeat(WIDTH - 1) + "\r");
            counting = false;
        }
        out.println(text);
        out.flush();
    }

    private String paint(final String code, final String text) {
        return colour ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }

    private static List<String> wrap(final String text, final int width) {
        final List<String> lines = new ArrayList<>();
        final StringBuilder line = new StringBuilder();
        for (final String word : text.split(" ")) {
            if (line.length() > 0 && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
