package io.icecore.cli;

import java.io.PrintStream;
import java.util.List;

/** What {@code icecore --help} prints. Written by hand: a library would have to construct every command for it. */
final class Overview {
    private Overview() {}

    static void print(final PrintStream out) {
        out.println("Usage: icecore COMMAND [OPTIONS]");
        out.println();
        out.println("A log-structured snapshot store for block volumes.");
        out.println();
        printEntries(out, CommandTable.entries());
        out.println();
        out.println("Every command takes --store PATH (or the variable ICECORE_STORE), --help and --verbose.");
        out.println("A snapshot is named vm1@name, vm1@latest, vm1@-15m or vm1@2026-11-23T10:05; several, vm1@a..b.");
        out.println();
        out.println(
                "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such thing, 4 exists or held or busy, 5 no space,");
        out.println("6 damage found.");
        out.println();
        out.println("Example:");
        out.println("  export ICECORE_STORE=/srv/ice.store");
        out.println("  icecore store create /srv/ice.store --size 100G");
        out.println("  icecore volume create vm1 --size 20G");
        out.println("  icecore serve --nbd 127.0.0.1:10809");
    }

    static void printGroup(final PrintStream out, final String word, final List<CommandTable.Entry> group) {
        out.println("Usage: icecore " + word + " COMMAND [OPTIONS]");
        out.println();
        printEntries(out, group);
        out.println();
        out.println("Example: icecore " + group.get(0).words() + " --help");
    }

    private static void printEntries(final PrintStream out, final List<CommandTable.Entry> entries) {
        final int width =
                entries.stream().mapToInt(entry -> entry.words().length()).max().orElse(0);
        for (final CommandTable.Entry entry : entries) {
            if (entry.built()) {
                out.println(String.format("  %-" + width + "s  %s", entry.words(), entry.summary()));
            }
        }
    }
}
