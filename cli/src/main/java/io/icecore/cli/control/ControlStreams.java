package io.icecore.cli.control;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.function.Consumer;

/**
 * The three standard streams of a client, as the daemon sees them.
 *
 * @param onAbandoned takes what to do when the client goes away, on another thread; runs it at once if it is gone already
 */
public record ControlStreams(InputStream in, OutputStream out, OutputStream err, Consumer<Runnable> onAbandoned) {}
