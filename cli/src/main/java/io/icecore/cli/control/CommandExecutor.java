package io.icecore.cli.control;

/** What the daemon does with a command that a client typed. */
@FunctionalInterface
public interface CommandExecutor {
    /** Runs the command and returns its exit code. Failures are told to the client on its standard error. */
    int execute(ControlRequest request, ControlStreams streams);
}
