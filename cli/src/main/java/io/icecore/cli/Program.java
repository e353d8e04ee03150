package io.icecore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * Runs one command line to its exit code: finds the command, parses, executes, and says on standard error what failed.
 * The same in the process of whoever typed it and in the daemon. Never throws but for an {@link Error}.
 */
final class Program {
    static final String NAME = "icecore";

    private final Console console;
    private final Session session;

    Program(final Console console, final Session session) {
        this.console = console;
        this.session = session;
    }

    int run(final List<String> arguments) {
        try {
            return dispatch(commandFirst(arguments));
        } catch (final RuntimeException ex) {
            return report(ex, verboseIn(arguments));
        } finally {
            console.out().flush();
            console.err().flush();
        }
    }

    private int dispatch(final List<String> arguments) {
        if (arguments.isEmpty()) {
            Overview.print(console.err());
            return ExitCode.USAGE;
        }
        final String first = arguments.get(0);
        switch (first) {
            case "-h", "--help" -> {
                Overview.print(console.out());
                return ExitCode.DONE;
            }
            case "-V", "--version", "version" -> {
                console.out().println(Version.text());
                return ExitCode.DONE;
            }
            case "help" -> {
                final List<String> helped = new ArrayList<>(arguments.subList(1, arguments.size()));
                helped.add("--help");
                return dispatch(helped);
            }
            default -> {
                final CommandTable.Entry entry = CommandTable.find(arguments);
                return entry == null ? unknown(arguments) : execute(entry, arguments);
            }
        }
    }

    private int unknown(final List<String> arguments) {
        final String first = arguments.get(0);
        final List<CommandTable.Entry> group = CommandTable.group(first);
        if (group.isEmpty()) {
            throw new CommandException(ExitCode.USAGE, "no such command: " + first, "see " + NAME + " --help");
        }
        final boolean help = arguments.contains("-h") || arguments.contains("--help");
        if (arguments.size() == 1 || help) {
            Overview.printGroup(help ? console.out() : console.err(), first, group);
            return help ? ExitCode.DONE : ExitCode.USAGE;
        }
        throw new CommandException(
                ExitCode.USAGE,
                "no such command: " + first + " " + arguments.get(1),
                "see " + NAME + " " + first + " --help");
    }

    private int execute(final CommandTable.Entry entry, final List<String> arguments) {
        if (!entry.built()) {
            throw new CommandException(ExitCode.FAILED, "not built yet: " + entry.words());
        }
        final Callable<Integer> command = entry.command();
        if (!session.admits(command)) {
            throw new CommandException(ExitCode.FAILED, "not for a daemon: " + entry.words());
        }
        if (command instanceof ConsoleCommand ours) {
            ours.bind(new Invocation(List.copyOf(arguments), console, session));
        }
        final CommandLine line = new CommandLine(command)
                .setCommandName(NAME + " " + entry.words())
                .setOut(new PrintWriter(console.out(), true, UTF_8))
                .setErr(new PrintWriter(console.err(), true, UTF_8))
                .setColorScheme(CommandLine.Help.defaultColorScheme(
                        console.features().colour() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF))
                .setCaseInsensitiveEnumValuesAllowed(true);
        final int words = entry.words().split(" ").length;
        final String[] rest = arguments.subList(words, arguments.size()).toArray(String[]::new);
        try { // Not line.execute(), which loads and constructs a good deal more.
            final Integer helped = CommandLine.executeHelpRequest(line.parseArgs(rest));
            return helped != null ? helped : command.call();
        } catch (final ParameterException ex) {
            return reportUsage(ex, entry);
        } catch (final Exception ex) {
            return report(ex, verboseIn(arguments));
        }
    }

    private static boolean verboseIn(final List<String> arguments) {
        return arguments.contains("-v") || arguments.contains("--verbose");
    }

    private int reportUsage(final ParameterException ex, final CommandTable.Entry entry) {
        final String message = ex.getMessage();
        printFailure(
                Character.toLowerCase(message.charAt(0)) + message.substring(1),
                "see " + NAME + " " + entry.words() + " --help");
        return ExitCode.USAGE;
    }

    private int report(final Exception failure, final boolean verbose) {
        if (failure instanceof IOException && "Broken pipe".equals(failure.getMessage())) {
            return ExitCode.FAILED; // Whoever read our output has seen enough of it: no news to anybody.
        }
        printFailure(describe(failure), failure instanceof CommandException ex ? ex.hint() : null);
        if (verbose) {
            failure.printStackTrace(console.err());
        }
        return ExitCode.of(failure);
    }

    private void printFailure(final String message, final String hint) {
        final PrintStream err = console.err();
        console.out().flush(); // What was done stands above why it ended.
        err.println(NAME + ": " + message.replaceAll("\\s*\\R\\s*", " "));
        if (hint != null) {
            err.println("hint: " + hint);
        }
        err.flush();
    }

    private static String describe(final Exception failure) {
        if (failure instanceof FileSystemException ex) {
            return problemOf(ex) + ": " + ex.getFile();
        }
        final String message = failure.getMessage();
        return message == null || message.isBlank() ? failure.getClass().getSimpleName() : message;
    }

    private static String problemOf(final FileSystemException ex) {
        if (ex instanceof NoSuchFileException) {
            return "no such file";
        }
        if (ex instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (ex instanceof FileAlreadyExistsException) {
            return "exists already";
        }
        if (ex instanceof DirectoryNotEmptyException) {
            return "directory is not empty";
        }
        return ex.getReason() == null ? "file cannot be used" : ex.getReason();
    }

    /** Options that stand before the command ({@code icecore -s PATH volume list}) move behind its words. */
    private static List<String> commandFirst(final List<String> arguments) {
        int at = 0;
        while (at < arguments.size()) {
            final String argument = arguments.get(at);
            if (argument.equals("-s") || argument.equals("--store")) {
                at += 2;
            } else if (argument.startsWith("--store=") || argument.equals("-v") || argument.equals("--verbose")) {
                at++;
            } else {
                break;
            }
        }
        if (at == 0 || at >= arguments.size()) {
            return arguments;
        }
        final List<String> rest = arguments.subList(at, arguments.size());
        final CommandTable.Entry entry = CommandTable.find(rest);
        final int words = entry == null ? 1 : entry.words().split(" ").length;
        final List<String> ordered = new ArrayList<>(rest.subList(0, words));
        ordered.addAll(arguments.subList(0, at));
        ordered.addAll(rest.subList(words, rest.size()));
        return ordered;
    }
}
