package io.icecore.store.format;

/** A whole superblock of a format, or with a feature, that this program does not know. Another version may open it. */
public final class UnknownFormatException extends CorruptStoreException {
    private static final long serialVersionUID = 1L;

    public UnknownFormatException(final String structure, final long position, final String problem) {
        super(structure, position, problem);
    }
}
