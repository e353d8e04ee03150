package io.icecore.cli;

import java.util.List;

/**
 * One call of the program.
 *
 * @param arguments as typed, from the name of the command on
 * @param session   where commands find their store
 */
record Invocation(List<String> arguments, Console console, Session session) {}
