package io.icecore.volume.nbd;

import io.icecore.volume.Attention;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import org.agrona.concurrent.NanoClock;

/**
 * Reads from a socket in blocking mode, and looks for what is to come for a while, as {@link Attention} says, before it
 * sleeps. Meanwhile the socket is in non-blocking mode: only where nobody writes to it.
 */
final class AwakeReader implements ReadableByteChannel {
    private final SocketChannel channel;
    private final NanoClock clock;
    private final Attention attention = new Attention();

    AwakeReader(final SocketChannel channel, final NanoClock clock) {
        this.channel = channel;
        this.clock = clock;
    }

    @Override
    public int read(final ByteBuffer target) throws IOException {
        int count = 0;
        if (attention.staysAwake(clock.nanoTime())) {
            count = look(target);
        }
        if (count == 0) {
            count = channel.read(target);
        }
        attention.heard(clock.nanoTime());
        return count;
    }

    private int look(final ByteBuffer target) throws IOException {
        channel.configureBlocking(false);
        try {
            int count = channel.read(target);
            while (count == 0 && attention.staysAwake(clock.nanoTime())) {
                Thread.yield();
                count = channel.read(target);
            }
            return count;
        } finally {
            channel.configureBlocking(true);
        }
    }

    @Override
    public boolean isOpen() {
        return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
