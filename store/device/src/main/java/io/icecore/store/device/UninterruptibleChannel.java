package io.icecore.store.device;

import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;

/**
 * Opens file channels that an interrupt does not close, and tells their descriptors.
 *
 * <p>An ordinary {@link FileChannel} closes itself, for every thread, when one thread is interrupted in it: a cancelled
 * task would take the store away from everybody. The JDK uses the switch itself but keeps it internal, hence
 * {@code --add-opens java.base/sun.nio.ch=ALL-UNNAMED}. Without it nothing is opened: a store that an interrupt can close
 * is not offered.
 */
final class UninterruptibleChannel {
    private UninterruptibleChannel() {}

    static FileChannel open(final Path path, final OpenOption... options) throws IOException {
        final FileChannel channel = FileChannel.open(path, options);
        try {
            Internals.SET_UNINTERRUPTIBLE.invoke(channel);
            return channel;
        } catch (final ReflectiveOperationException | LinkageError ex) {
            channel.close();
            throw closed(ex);
        }
    }

    /** Valid until the channel is closed; then the number may name another file. */
    static int descriptor(final FileChannel channel) {
        try {
            return (Integer) Internals.FD_VAL.invoke(null, Internals.FD.get(channel));
        } catch (final ReflectiveOperationException | LinkageError ex) {
            throw closed(ex);
        }
    }

    private static StoreException closed(final Throwable cause) {
        return new StoreException(
                "this Java runtime does not open sun.nio.ch: start it with"
                        + " --add-exports=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
                cause);
    }

    private static final class Internals {
        static final Method SET_UNINTERRUPTIBLE;
        static final Method FD_VAL;
        static final Field FD;

        static {
            try {
                final Class<?> channel = Class.forName("sun.nio.ch.FileChannelImpl");
                SET_UNINTERRUPTIBLE = channel.getMethod("setUninterruptible");
                FD = channel.getDeclaredField("fd");
                FD.setAccessible(true);
                FD_VAL = Class.forName("sun.nio.ch.IOUtil").getMethod("fdVal", FileDescriptor.class);
                FD_VAL.setAccessible(true);
            } catch (final ReflectiveOperationException | RuntimeException ex) {
                throw new ExceptionInInitializerError(ex);
            }
        }
    }
}
