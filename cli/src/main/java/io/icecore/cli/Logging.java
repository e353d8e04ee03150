package io.icecore.cli;

import java.util.List;

/** What of the log a person sees, on standard error: set before the first logger is made. */
final class Logging {
    private static final String PREFIX = "org.slf4j.simpleLogger.";

    private Logging() {}

    static void configure(final List<String> arguments) {
        final boolean daemon = arguments.contains("serve");
        final boolean verbose = arguments.contains("-v") || arguments.contains("--verbose");
        set("defaultLogLevel", daemon ? (verbose ? "debug" : "info") : (verbose ? "info" : "warn"));
        if (daemon || verbose) {
            set("showDateTime", "true");
            set("dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"); // Costs 20 ms: loads the calendars of the locale.
        }
        set("showThreadName", "false");
        set("showLogName", "false");
        set("showShortLogName", String.valueOf(verbose));
        // Named here, it is not looked for in every jar of the class path. It would say so on standard error.
        System.setProperty("slf4j.provider", "org.slf4j.simple.SimpleServiceProvider");
        System.setProperty("slf4j.internal.verbosity", "WARN");
    }

    /** A property given to the virtual machine by hand wins. */
    private static void set(final String name, final String value) {
        if (System.getProperty(PREFIX + name) == null) {
            System.setProperty(PREFIX + name, value);
        }
    }
}
