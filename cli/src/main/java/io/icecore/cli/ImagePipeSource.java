package io.icecore.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** Reads an image out of a pipe, which gives what it has at the moment; pieces are full, but for the last. */
final class ImagePipeSource implements ImageSource {
    private final ReadableByteChannel pipe;
    private long offset;
    private boolean ended;

    ImagePipeSource(final ReadableByteChannel pipe) {
        this.pipe = pipe;
    }

    @Override
    public long read(final ByteBuffer target) throws IOException {
        final long start = offset;
        while (!ended && target.hasRemaining()) {
            ended = pipe.read(target) < 0; // Remembered: a terminal would have to say it again.
        }
        offset += target.position();
        return start;
    }
}
