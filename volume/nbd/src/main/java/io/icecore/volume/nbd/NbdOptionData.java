package io.icecore.volume.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;

/**
 * The data of one option, read front to back. Every length in it was chosen by the client and is checked against what is
 * really there before anything is allocated for it.
 */
final class NbdOptionData {
    private final ByteBuffer data;

    NbdOptionData(final ByteBuffer data) {
        this.data = data;
    }

    int unsignedShort() throws NbdOptionException {
        require(Short.BYTES);
        return Short.toUnsignedInt(data.getShort());
    }

    long unsignedInt() throws NbdOptionException {
        require(Integer.BYTES);
        return Integer.toUnsignedLong(data.getInt());
    }

    /** A string after its length, 32 bits. */
    String string() throws NbdOptionException {
        return string(unsignedInt());
    }

    /** The rest as a string. */
    String rest() throws NbdOptionException {
        return string(data.remaining());
    }

    private String string(final long length) throws NbdOptionException {
        require(length);
        if (length > Nbd.STRING_LENGTH_MAX) {
            throw new NbdOptionException(Nbd.REP_ERR_TOO_BIG, "string longer than " + Nbd.STRING_LENGTH_MAX + " bytes");
        }
        final byte[] bytes = new byte[(int) length];
        data.get(bytes);
        return new String(bytes, UTF_8);
    }

    void requireEnd() throws NbdOptionException {
        if (data.hasRemaining()) {
            throw new NbdOptionException(Nbd.REP_ERR_INVALID, data.remaining() + " bytes of data too many");
        }
    }

    private void require(final long length) throws NbdOptionException {
        if (length > data.remaining()) {
            throw new NbdOptionException(
                    Nbd.REP_ERR_INVALID, "a length of " + length + " where " + data.remaining() + " bytes are left");
        }
    }
}
