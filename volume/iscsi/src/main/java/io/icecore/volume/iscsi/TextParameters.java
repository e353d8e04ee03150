package io.icecore.volume.iscsi;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Key=value pairs of login and text PDUs (RFC 7143 section 6.1): UTF-8, each ended by a zero byte. */
final class TextParameters {
    /** Bytes of one exchange, over all its PDUs. */
    static final int LENGTH_MAX = 64 << 10;

    private static final int KEY_LENGTH_MAX = 63;
    private static final int COUNT_MAX = 256;

    private TextParameters() {}

    /** In the order received. A key that comes twice is an error (RFC 7143 section 6.2). */
    static Map<String, String> decode(final byte[] text) throws PduException {
        final Map<String, String> pairs = new LinkedHashMap<>();
        int start = 0;
        while (start < text.length) {
            int end = start;
            while (end < text.length && text[end] != 0) {
                end++;
            }
            if (end > start) {
                final String pair = new String(text, start, end - start, StandardCharsets.UTF_8);
                final int equals = pair.indexOf('=');
                if (equals < 1 || equals > KEY_LENGTH_MAX) {
                    throw new PduException("text: no key=value (length " + pair.length() + ")");
                }
                if (pairs.put(pair.substring(0, equals), pair.substring(equals + 1)) != null) {
                    throw new PduException("text: key twice");
                }
                if (pairs.size() > COUNT_MAX) {
                    throw new PduException("text: more than " + COUNT_MAX + " keys");
                }
            }
            start = end + 1;
        }
        return pairs;
    }

    static byte[] encode(final Map<String, String> pairs) {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        pairs.forEach((key, value) -> append(out, key, value));
        return out.toByteArray();
    }

    static void append(final ByteArrayOutputStream out, final String key, final String value) {
        out.writeBytes((key + '=' + value).getBytes(StandardCharsets.UTF_8));
        out.write(0);
    }
}
