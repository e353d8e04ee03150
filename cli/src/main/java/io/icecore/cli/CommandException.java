package io.icecore.cli;

/** A command cannot do what was asked: the line to print, a hint where there is one, and the exit code. */
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;
    private final String hint;

    /** @param message {@code what went wrong: the thing it concerns} */
    CommandException(final int exitCode, final String message) {
        this(exitCode, message, null);
    }

    /** @param hint what to do about it, or null */
    CommandException(final int exitCode, final String message, final String hint) {
        super(message);
        this.exitCode = exitCode;
        this.hint = hint;
    }

    int exitCode() {
        return exitCode;
    }

    String hint() {
        return hint;
    }
}
