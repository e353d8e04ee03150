package io.icecore.store.format;

/** A whole superblock of a format, or with a feature, that this program does not know. Another version may open it. */
public final class UnknownFormatException extends CorruptStoreException {
    private static final long serialVersionUID = 1L;

    private final long generation;

    /** @param generation of the superblock, or 0 where its checksum does not bear it out */
    public UnknownFormatException(
            final String structure, final long position, final String problem, final long generation) {
        super(structure, position, problem);
        this.generation = generation;
    }

    /** Of the commit that this program cannot read. 0 when it may as well be damage. */
    public long generation() {
        return generation;
    }
}
