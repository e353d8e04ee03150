package io.icecore.cli;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Where an image comes from, in order. For one thread. */
interface ImageSource {
    /**
     * Puts what comes next into an empty buffer: a piece without gaps. What is left out between two pieces reads as zeroes.
     * Not called again after its end.
     *
     * @return the offset of the piece in the image; where nothing was put into the buffer, the end of the image
     */
    long read(ByteBuffer target) throws IOException;
}
