package io.icecore.cli.control;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A command as typed, and where it was typed. Network byte order; a text is its length in UTF-8 (4 bytes) and its bytes.
 *
 * <pre>
 * field        content
 * -----------  ------------------------------------------------------------
 * version      2 bytes, {@value #VERSION}; the daemon refuses any other
 * flags        2 bytes: {@value #OUT_TERMINAL} standard output is a terminal, {@value #ERR_TERMINAL} standard error is,
 *              {@value #COLOUR} colour is welcome
 * width        4 bytes, columns of the terminal, 0 where unknown
 * zone         text, a time zone such as Europe/Berlin
 * directory    text, absolute path of the working directory
 * count        4 bytes, arguments, at most {@value #ARGUMENTS_MAX}
 * arguments    that many texts, from the name of the command on
 * </pre>
 */
public record ControlRequest(
        List<String> arguments,
        String directory,
        String zone,
        int width,
        boolean outTerminal,
        boolean errTerminal,
        boolean colour) {
    static final int VERSION = 1;
    static final int OUT_TERMINAL = 1;
    static final int ERR_TERMINAL = 2;
    static final int COLOUR = 4;
    static final int ARGUMENTS_MAX = 65_536;

    private static final int FIXED_LENGTH = 2 + 2 + 4 + 4;

    /** @throws IOException when the command line is too long for one frame */
    byte[] encode() throws IOException {
        final List<byte[]> texts = new ArrayList<>();
        texts.add(zone.getBytes(StandardCharsets.UTF_8));
        texts.add(directory.getBytes(StandardCharsets.UTF_8));
        arguments.forEach(argument -> texts.add(argument.getBytes(StandardCharsets.UTF_8)));

        long length = FIXED_LENGTH;
        for (final byte[] text : texts) {
            length += Integer.BYTES + text.length;
        }
        if (length > Frame.PAYLOAD_LENGTH_MAX || arguments.size() > ARGUMENTS_MAX) {
            throw new IOException("command line: " + length + " bytes (expected: at most " + Frame.PAYLOAD_LENGTH_MAX
                    + ", and " + ARGUMENTS_MAX + " arguments)");
        }
        final ByteBuffer encoded = ByteBuffer.allocate((int) length);
        encoded.putShort((short) VERSION)
                .putShort((short)
                        ((outTerminal ? OUT_TERMINAL : 0) | (errTerminal ? ERR_TERMINAL : 0) | (colour ? COLOUR : 0)))
                .putInt(width);
        put(encoded, texts.get(0));
        put(encoded, texts.get(1));
        encoded.putInt(arguments.size());
        texts.subList(2, texts.size()).forEach(text -> put(encoded, text));
        return encoded.array();
    }

    private static void put(final ByteBuffer target, final byte[] text) {
        target.putInt(text.length).put(text);
    }

    /** @throws IOException when the bytes are no request of this version */
    static ControlRequest decode(final ByteBuffer source) throws IOException {
        try {
            final int version = Short.toUnsignedInt(source.getShort());
            if (version != VERSION) {
                throw new IOException("control protocol: version " + version + " (expected: " + VERSION
                        + "); the daemon and this program are of different builds");
            }
            final int flags = source.getShort();
            final int width = source.getInt();
            final String zone = text(source);
            final String directory = text(source);
            final int count = source.getInt();
            if (count < 0 || count > ARGUMENTS_MAX) {
                throw new IOException(
                        "control request: " + count + " arguments (expected: 0 to " + ARGUMENTS_MAX + ")");
            }
            final List<String> arguments = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                arguments.add(text(source));
            }
            if (source.hasRemaining()) {
                throw new IOException("control request: " + source.remaining() + " bytes too many");
            }
            return new ControlRequest(
                    List.copyOf(arguments),
                    directory,
                    zone,
                    Math.max(0, width),
                    (flags & OUT_TERMINAL) != 0,
                    (flags & ERR_TERMINAL) != 0,
                    (flags & COLOUR) != 0);
        } catch (final BufferUnderflowException ex) {
            throw new IOException("control request: ends too early", ex);
        }
    }

    private static String text(final ByteBuffer source) throws IOException {
        final int length = source.getInt();
        if (length < 0 || length > source.remaining()) {
            throw new IOException(
                    "control request: text of " + length + " bytes (expected: 0 to " + source.remaining() + ")");
        }
        final ByteBuffer bytes = source.slice(source.position(), length);
        source.position(source.position() + length);
        return StandardCharsets.UTF_8.decode(bytes).toString();
    }
}
