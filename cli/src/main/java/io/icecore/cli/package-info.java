/**
 * The {@code icecore} program: one class a subcommand, which parses, calls, prints, and nothing else.
 *
 * <p>Start reading at {@link io.icecore.cli.Program}, which takes one command line to its exit code, and
 * {@link io.icecore.cli.CommandTable}, the list of commands. Where a command finds its store is the business of a
 * {@link io.icecore.cli.Session}: it is opened for it, or is the live one of the daemon, in whose process the same class
 * then runs.
 *
 * <p>What short commands load is kept small on purpose: no JSON library, no terminal library, no logging framework beyond
 * the simplest. See {@link io.icecore.cli.Rehearsal} for what else makes them start fast.
 */
package io.icecore.cli;
