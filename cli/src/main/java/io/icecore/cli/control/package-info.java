/**
 * Commands reach the daemon through a Unix-domain socket beside the store: the client sends what was typed and where, the
 * daemon runs it on its live store and sends back what it prints.
 *
 * <p>Start reading at {@link io.icecore.cli.control.Frame}, which holds the protocol; then {@code ControlClient} and
 * {@code ControlServer}, its two ends. Knows nothing of particular commands: the server is given something that runs them.
 */
package io.icecore.cli.control;
