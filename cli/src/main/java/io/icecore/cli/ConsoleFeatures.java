package io.icecore.cli;

import java.time.ZoneId;
import java.util.Map;
import java.util.function.Supplier;

/** What a console can show. */
final class ConsoleFeatures {
    /** Set by the launcher: the numbers of the standard streams that are terminals, such as {@code 012}. */
    static final String TERMINALS_PROPERTY = "icecore.terminals";

    /** Set by the launcher where it knows: columns of the terminal. */
    static final String WIDTH_PROPERTY = "icecore.width";

    static final ConsoleFeatures PLAIN = new ConsoleFeatures(false, false, false, 0, () -> ZoneId.of("UTC"));

    private final boolean outTerminal;
    private final boolean errTerminal;
    private final boolean colour;
    private final int width;
    private final Supplier<ZoneId> zone;

    /** @param zone asked when a time is read or shown: loading the rules of the zones takes a while */
    ConsoleFeatures(
            final boolean outTerminal,
            final boolean errTerminal,
            final boolean colour,
            final int width,
            final Supplier<ZoneId> zone) {
        this.outTerminal = outTerminal;
        this.errTerminal = errTerminal;
        this.colour = colour;
        this.width = width;
        this.zone = zone;
    }

    static ConsoleFeatures ofProcess(final Map<String, String> environment) {
        final String terminals = System.getProperty(TERMINALS_PROPERTY, "");
        final boolean plain = !environment.getOrDefault("NO_COLOR", "").isEmpty()
                || "dumb".equals(environment.getOrDefault("TERM", "dumb"));
        final boolean outTerminal = terminals.contains("1");
        return new ConsoleFeatures(
                outTerminal,
                terminals.contains("2"),
                outTerminal && !plain,
                Math.max(0, Integer.getInteger(WIDTH_PROPERTY, 0)),
                ZoneId::systemDefault);
    }

    /** Standard output is a terminal. */
    boolean outTerminal() {
        return outTerminal;
    }

    /** Standard error is a terminal: progress may be drawn there. */
    boolean errTerminal() {
        return errTerminal;
    }

    /** Escape sequences for colour are welcome. */
    boolean colour() {
        return colour;
    }

    /** Columns, 0 where unknown. */
    int width() {
        return width;
    }

    /** In which times are read and shown. */
    ZoneId zone() {
        return zone.get();
    }
}
