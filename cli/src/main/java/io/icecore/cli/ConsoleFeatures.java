package io.icecore.cli;

import java.time.ZoneId;
import java.util.Map;

/**
 * What a console can show.
 *
 * @param outTerminal standard output is a terminal
 * @param errTerminal standard error is a terminal: progress may be drawn there
 * @param colour      escape sequences for colour are welcome
 * @param width       columns, 0 where unknown
 * @param zone        in which times are read and shown
 */
record ConsoleFeatures(boolean outTerminal, boolean errTerminal, boolean colour, int width, ZoneId zone) {
    /** Set by the launcher: the numbers of the standard streams that are terminals, such as {@code 012}. */
    static final String TERMINALS_PROPERTY = "icecore.terminals";

    /** Set by the launcher where it knows: columns of the terminal. */
    static final String WIDTH_PROPERTY = "icecore.width";

    static final ConsoleFeatures PLAIN = new ConsoleFeatures(false, false, false, 0, ZoneId.of("UTC"));

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
                ZoneId.systemDefault());
    }
}
