package io.icecore.volume.iscsi.scsi;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * One state of the persistent reservations of a logical unit. Immutable: a command makes a new one, which takes
 * effect as a whole or, when it could not be saved, not at all.
 *
 * <p>As bytes, big-endian:
 * <pre>
 * size  field
 *    4  version      {@value #VERSION}
 *    4  generation
 *    1  type         code of the reservation, 0 for none
 *    2  holder       ordinal of the registrant that holds it, 0xffff for none or all
 *    2  count        registrants
 *  each registrant:
 *    8    key
 *    2    length
 *    n    port       name of the initiator port, UTF-8
 *    4  checksum     CRC-32C of all before
 * </pre>
 *
 * @param generation PRGENERATION
 * @param keys       reservation key by initiator port, in the order of registration
 * @param type       of the reservation, or null
 * @param holder     initiator port that holds it; null when there is none or when every registrant does
 * @param persistent survives power loss (APTPL)
 */
record Registrations(int generation, Map<String, Long> keys, ReservationType type, String holder, boolean persistent) {
    static final Registrations EMPTY = new Registrations(0, Map.of(), null, null, false);
    static final int COUNT_MAX = 256;
    /** Bytes of a port's name: that of an initiator, {@code ,i,0x} and twelve digits (RFC 7143 section 4.2.7.1). */
    static final int PORT_LENGTH_MAX = 223 + 5 + 12;

    private static final int FIXED_LENGTH = 4 + 4 + 1 + 2 + 2 + 4;
    private static final int REGISTRANT_FIXED_LENGTH = 8 + 2;
    /** Bytes of the longest encoding. */
    static final int ENCODED_LENGTH_MAX = FIXED_LENGTH + COUNT_MAX * (REGISTRANT_FIXED_LENGTH + PORT_LENGTH_MAX);

    private static final int VERSION = 1;
    private static final int NO_HOLDER = 0xffff;

    boolean registered(final String port) {
        return keys.containsKey(port);
    }

    boolean holds(final String port) {
        return type != null && (type.heldByAll() ? registered(port) : port.equals(holder));
    }

    boolean keyMatches(final String port, final long key) {
        final Long registered = keys.get(port);
        return registered != null && registered == key;
    }

    Registrations withKeys(final Map<String, Long> changed) {
        return new Registrations(generation, new LinkedHashMap<>(changed), type, holder, persistent);
    }

    Registrations with(final String port, final long key) {
        final Map<String, Long> changed = new LinkedHashMap<>(keys);
        changed.put(port, key);
        return withKeys(changed);
    }

    /** Ends the reservation as well when the port held it, or was the last of all that did. */
    Registrations without(final String port) {
        final Map<String, Long> changed = new LinkedHashMap<>(keys);
        changed.remove(port);
        final boolean ends = type != null && (type.heldByAll() ? changed.isEmpty() : port.equals(holder));
        return (ends ? released() : this).withKeys(changed);
    }

    Registrations reserved(final String port, final ReservationType held) {
        return new Registrations(generation, keys, held, held.heldByAll() ? null : port, persistent);
    }

    Registrations released() {
        return new Registrations(generation, keys, null, null, persistent);
    }

    Registrations next() {
        return new Registrations(generation + 1, keys, type, holder, persistent);
    }

    Registrations persistent(final boolean survives) {
        return new Registrations(generation, keys, type, holder, survives);
    }

    byte[] encode() {
        int length = FIXED_LENGTH;
        for (final String port : keys.keySet()) {
            length += REGISTRANT_FIXED_LENGTH + port.getBytes(StandardCharsets.UTF_8).length;
        }
        final ByteBuffer out = ByteBuffer.allocate(length);
        out.putInt(VERSION).putInt(generation).put((byte) (type == null ? 0 : type.code()));
        out.putShort((short) holderOrdinal()).putShort((short) keys.size());
        keys.forEach((port, key) -> {
            final byte[] name = port.getBytes(StandardCharsets.UTF_8);
            out.putLong(key).putShort((short) name.length).put(name);
        });
        return out.putInt(checksum(out.array(), out.position())).array();
    }

    /** @throws IllegalArgumentException when the bytes are not what {@link #encode} made */
    static Registrations decode(final byte[] bytes) {
        if (bytes.length < 4 || ByteBuffer.wrap(bytes).getInt(bytes.length - 4) != checksum(bytes, bytes.length - 4)) {
            throw new IllegalArgumentException("saved reservations: checksum mismatch");
        }
        final ByteBuffer in = ByteBuffer.wrap(bytes, 0, bytes.length - 4);
        try {
            final int version = in.getInt();
            if (version != VERSION) {
                throw new IllegalArgumentException("saved reservations: version " + version + " (expected: 1)");
            }
            final int generation = in.getInt();
            final ReservationType type = ReservationType.of(in.get());
            final int holder = Short.toUnsignedInt(in.getShort());
            final int count = Short.toUnsignedInt(in.getShort());
            String holderPort = null;
            final Map<String, Long> keys = new LinkedHashMap<>();
            for (int i = 0; i < count; i++) {
                final long key = in.getLong();
                final byte[] name = new byte[Math.min(Short.toUnsignedInt(in.getShort()), in.remaining())];
                in.get(name);
                final String port = new String(name, StandardCharsets.UTF_8);
                keys.put(port, key);
                holderPort = i == holder ? port : holderPort;
            }
            return new Registrations(generation, keys, type, holderPort, true);
        } catch (final BufferUnderflowException ex) {
            throw new IllegalArgumentException("saved reservations: cut short", ex);
        }
    }

    private int holderOrdinal() {
        int ordinal = 0;
        for (final String port : keys.keySet()) {
            if (port.equals(holder)) {
                return ordinal;
            }
            ordinal++;
        }
        return NO_HOLDER;
    }

    private static int checksum(final byte[] bytes, final int length) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
