package io.icecore.cli.tour.ext2;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A disk that can be read at any offset: an image file, an NBD export, an array. */
@FunctionalInterface
public interface DiskSource {
    /** Fills the rest of {@code target} from byte {@code offset} on. */
    void read(long offset, ByteBuffer target) throws IOException;
}
