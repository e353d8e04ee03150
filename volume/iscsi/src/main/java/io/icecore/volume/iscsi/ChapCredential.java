package io.icecore.volume.iscsi;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A CHAP name and its secret (RFC 7143 section 9.2.1). Never printed: {@link #toString} leaves the secret out.
 */
public final class ChapCredential {
    /** Bytes; without IPsec a shorter secret can be guessed from one exchange (RFC 7143 section 9.2.1). */
    public static final int SECRET_LENGTH_MIN = 12;

    private static final int LENGTH_MAX = 255;

    private final String name;
    private final byte[] secret;

    /**
     * @param name   1 to 255 bytes of UTF-8
     * @param secret 12 to 255 bytes of UTF-8
     */
    public ChapCredential(final String name, final String secret) {
        this.name = name;
        this.secret = secret.getBytes(StandardCharsets.UTF_8);
        final int nameLength = name.getBytes(StandardCharsets.UTF_8).length;
        if (nameLength < 1 || nameLength > LENGTH_MAX) {
            throw new IllegalArgumentException("CHAP name: " + nameLength + " bytes (expected: 1 to 255)");
        }
        if (this.secret.length < SECRET_LENGTH_MIN || this.secret.length > LENGTH_MAX) {
            throw new IllegalArgumentException("CHAP secret of " + name + ": " + this.secret.length
                    + " bytes (expected: " + SECRET_LENGTH_MIN + " to 255)");
        }
    }

    public String name() {
        return name;
    }

    byte[] secret() {
        return secret;
    }

    boolean hasSecretOf(final ChapCredential other) {
        return Arrays.equals(secret, other.secret);
    }

    @Override
    public String toString() {
        return "ChapCredential[" + name + "]";
    }
}
