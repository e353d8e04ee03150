package io.icecore.volume.map;

/** Takes what {@link Resolver} finds, in the order of chunks, without gaps. */
@FunctionalInterface
public interface RunVisitor {
    /**
     * @param count  chunks
     * @param block  first of as many adjacent blocks, or {@link ExtentLayout#ZEROES}
     * @param source where the checksums are; valid during the call; null when there are no blocks
     * @return false ends the walk
     */
    boolean run(long chunk, long count, long block, Extent source);
}
