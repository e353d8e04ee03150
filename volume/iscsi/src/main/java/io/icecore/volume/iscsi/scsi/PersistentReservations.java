package io.icecore.volume.iscsi.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Who has registered with a logical unit, who has reserved it, and what that keeps others from (SPC-4 section 5.13).
 *
 * <p>A command computes the next {@link Registrations}, saves them if an initiator asked for that, and only then
 * publishes them. Every command of every initiator looks at them, so looking takes no lock.
 *
 * <p>What others must be told is returned as {@link Notice}s: this class knows ports by name and nothing of sessions.
 */
public final class PersistentReservations {
    /** A unit attention for a port; {@code abort}: its commands end as well (PREEMPT AND ABORT). */
    record Notice(String port, Sense attention, boolean abort) {}

    static final int PARAMETER_LIST_LENGTH = 24;

    private static final int SPEC_I_PT = 0x08;
    private static final int ALL_TG_PT = 0x04;
    private static final int APTPL = 0x01;
    private static final int UNREG = 0x02;
    private static final int RELATIVE_TARGET_PORT = 1;
    private static final int PROTOCOL_ISCSI = 0x05;
    private static final int TRANSPORT_ID_FORMAT_PORT = 0x40;

    private final String exportName;
    private final ReservationStore store;
    private volatile Registrations current;

    /** @throws RuntimeException when what was saved cannot be read */
    PersistentReservations(final String exportName, final ReservationStore store) {
        this.exportName = exportName;
        this.store = store;
        final byte[] saved = store.load(exportName);
        this.current = saved == null ? Registrations.EMPTY : Registrations.decode(saved);
    }

    private boolean durable() {
        return store.durable(exportName);
    }

    /** Nobody is registered: nothing would be lost by forgetting this object. */
    public boolean isEmpty() {
        return current.keys().isEmpty();
    }

    boolean anyRegistered() {
        return !isEmpty();
    }

    boolean registered(final String port) {
        return current.registered(port);
    }

    /** Whether a reservation of others keeps {@code port} from a command. */
    boolean conflicts(final String port, final Command.Access access) {
        final Registrations now = current;
        if (now.type() == null || access == Command.Access.ALWAYS || access == Command.Access.FREE) {
            return false;
        }
        if (now.holds(port) || now.type().admitsRegistrants() && now.registered(port)) {
            return false;
        }
        return access == Command.Access.WRITE || now.type().excludesReads();
    }

    // PERSISTENT RESERVE IN (SPC-4 section 6.15)

    byte[] readKeys() {
        final Registrations now = current;
        final ByteBuffer out = ByteBuffer.allocate(8 + 8 * now.keys().size());
        out.putInt(now.generation()).putInt(8 * now.keys().size());
        now.keys().values().forEach(out::putLong);
        return out.array();
    }

    byte[] readReservation() {
        final Registrations now = current;
        if (now.type() == null) {
            return ByteBuffer.allocate(8).putInt(now.generation()).array();
        }
        final long key = now.type().heldByAll() ? 0 : now.keys().get(now.holder());
        return ByteBuffer.allocate(24)
                .putInt(now.generation())
                .putInt(16)
                .putLong(key)
                .putInt(0)
                .put((byte) 0)
                .put((byte) now.type().code())
                .array();
    }

    byte[] reportCapabilities() {
        return ByteBuffer.allocate(8)
                .putShort((short) 8)
                .put((byte) (durable() ? 0x01 : 0x00)) // PTPL_C
                .put((byte) (0x80 | (current.persistent() ? 0x01 : 0x00))) // TMV, PTPL_A
                .put((byte) 0xea) // Every type of ReservationType,
                .put((byte) 0x01) // EXCLUSIVE ACCESS - ALL REGISTRANTS included.
                .array();
    }

    byte[] readFullStatus() {
        final Registrations now = current;
        final List<byte[]> descriptors = new ArrayList<>();
        int length = 0;
        for (final Map.Entry<String, Long> entry : now.keys().entrySet()) {
            final byte[] descriptor = fullStatusDescriptor(now, entry.getKey(), entry.getValue());
            descriptors.add(descriptor);
            length += descriptor.length;
        }
        final ByteBuffer out = ByteBuffer.allocate(8 + length);
        out.putInt(now.generation()).putInt(length);
        descriptors.forEach(out::put);
        return out.array();
    }

    private static byte[] fullStatusDescriptor(final Registrations now, final String port, final long key) {
        final byte[] transportId = transportId(port);
        final boolean holder = now.holds(port);
        return ByteBuffer.allocate(24 + transportId.length)
                .putLong(key)
                .putInt(0)
                .put((byte) (holder ? 0x01 : 0x00))
                .put((byte) (holder ? now.type().code() : 0))
                .putInt(0)
                .putShort((short) RELATIVE_TARGET_PORT)
                .putInt(transportId.length)
                .put(transportId)
                .array();
    }

    /** TransportID of an iSCSI initiator port: name, separator and ISID (SPC-4 section 7.6.4.6). */
    private static byte[] transportId(final String port) {
        final byte[] name = port.getBytes(StandardCharsets.UTF_8);
        final int padded = Math.max(20, name.length + 1 + 3 & ~3);
        return ByteBuffer.allocate(4 + padded)
                .put((byte) (TRANSPORT_ID_FORMAT_PORT | PROTOCOL_ISCSI))
                .put((byte) 0)
                .putShort((short) padded)
                .put(name)
                .array();
    }

    // PERSISTENT RESERVE OUT (SPC-4 section 6.16)

    /**
     * Executes one PERSISTENT RESERVE OUT.
     *
     * @param port      initiator port that sent it
     * @param cdb       of the command
     * @param list      the parameter list
     * @return what others must be told
     */
    synchronized List<Notice> change(final String port, final Cdb cdb, final byte[] list) throws ScsiException {
        final Command command = Command.of(cdb);
        final boolean moves = command == Command.PERSISTENT_REGISTER_AND_MOVE;
        if (moves ? list.length < PARAMETER_LIST_LENGTH : list.length != PARAMETER_LIST_LENGTH) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        final ByteBuffer in = ByteBuffer.wrap(list);
        final long key = in.getLong(0);
        final long actionKey = in.getLong(8);
        return switch (command) {
            case PERSISTENT_REGISTER -> register(port, key, actionKey, list[20], false);
            case PERSISTENT_REGISTER_AND_IGNORE -> register(port, key, actionKey, list[20], true);
            case PERSISTENT_RESERVE -> reserve(port, key, scopeAndType(cdb));
            case PERSISTENT_RELEASE -> release(port, key, scopeAndType(cdb));
            case PERSISTENT_CLEAR -> clear(port, key);
            case PERSISTENT_PREEMPT -> preempt(port, key, actionKey, scopeAndType(cdb), false);
            case PERSISTENT_PREEMPT_AND_ABORT -> preempt(port, key, actionKey, scopeAndType(cdb), true);
            case PERSISTENT_REGISTER_AND_MOVE -> move(port, key, actionKey, in);
            default -> throw new AssertionError("no PERSISTENT RESERVE OUT: " + command);
        };
    }

    private static ReservationType scopeAndType(final Cdb cdb) throws ScsiException {
        final ReservationType type = ReservationType.of(cdb.u8(2) & 0x0f);
        if (cdb.u8(2) >> 4 != 0 || type == null) {
            throw new ScsiException(Sense.invalidCdbField(2));
        }
        return type;
    }

    private List<Notice> register(
            final String port, final long key, final long newKey, final byte flags, final boolean ignoresKey)
            throws ScsiException {
        if ((flags & (SPEC_I_PT | ALL_TG_PT)) != 0 || (flags & APTPL) != 0 && !durable()) {
            throw new ScsiException(Sense.invalidParameter(20));
        }
        final Registrations now = current;
        if (!ignoresKey && (now.registered(port) ? !now.keyMatches(port, key) : key != 0)) {
            throw ScsiException.reservationConflict();
        }
        final boolean survives = (flags & APTPL) != 0;
        if (newKey != 0) {
            checkRoom(now, port);
            publish(now.with(port, newKey).persistent(survives).next());
            return List.of();
        }
        if (!now.registered(port)) {
            return List.of();
        }
        final Registrations left = now.without(port);
        publish(left.persistent(survives).next());
        final boolean ended = now.type() != null && left.type() == null;
        return ended && now.type().admitsRegistrants() ? notices(left, port, Sense.RESERVATIONS_RELEASED) : List.of();
    }

    private static void checkRoom(final Registrations now, final String port) throws ScsiException {
        if (!now.registered(port) && now.keys().size() >= Registrations.COUNT_MAX) {
            throw new ScsiException(Sense.INSUFFICIENT_REGISTRATION_RESOURCES);
        }
    }

    private void checkKey(final String port, final long key) throws ScsiException {
        if (!current.keyMatches(port, key)) {
            throw ScsiException.reservationConflict();
        }
    }

    private List<Notice> reserve(final String port, final long key, final ReservationType type) throws ScsiException {
        checkKey(port, key);
        final Registrations now = current;
        if (now.type() == null) {
            publish(now.reserved(port, type));
        } else if (!now.holds(port) || now.type() != type) {
            throw ScsiException.reservationConflict();
        }
        return List.of();
    }

    private List<Notice> release(final String port, final long key, final ReservationType type) throws ScsiException {
        checkKey(port, key);
        final Registrations now = current;
        if (!now.holds(port)) {
            return List.of();
        }
        if (now.type() != type) {
            throw new ScsiException(Sense.INVALID_RELEASE);
        }
        publish(now.released());
        return type.admitsRegistrants() ? notices(now, port, Sense.RESERVATIONS_RELEASED) : List.of();
    }

    private List<Notice> clear(final String port, final long key) throws ScsiException {
        checkKey(port, key);
        final Registrations now = current;
        publish(now.released().withKeys(Map.of()).next());
        return notices(now, port, Sense.RESERVATIONS_PREEMPTED);
    }

    private List<Notice> preempt(
            final String port, final long key, final long victimKey, final ReservationType type, final boolean abort)
            throws ScsiException {
        checkKey(port, key);
        final Registrations now = current;
        final boolean all = now.type() != null && now.type().heldByAll();
        final boolean takesOver =
                now.type() != null && (all ? victimKey == 0 : now.keys().get(now.holder()) == victimKey);
        if (!takesOver && victimKey == 0) {
            throw new ScsiException(Sense.invalidParameter(8));
        }
        final Predicate<Map.Entry<String, Long>> victim =
                entry -> all && victimKey == 0 || entry.getValue() == victimKey;
        if (!takesOver && now.keys().entrySet().stream().noneMatch(victim)) {
            throw ScsiException.reservationConflict();
        }
        final Map<String, Long> left = new LinkedHashMap<>(now.keys());
        left.entrySet()
                .removeIf(entry ->
                        victim.test(entry) && !(takesOver && entry.getKey().equals(port)));
        Registrations next = now.withKeys(left);
        if (takesOver) {
            next = next.reserved(port, type);
        } else if (all && left.isEmpty()) {
            next = next.released();
        }
        publish(next.next());
        final List<Notice> notices = new ArrayList<>();
        for (final String other : now.keys().keySet()) {
            if (other.equals(port)) {
                continue;
            }
            if (!left.containsKey(other)) {
                notices.add(new Notice(other, Sense.REGISTRATIONS_PREEMPTED, abort));
            } else if (takesOver && now.type() != type) {
                notices.add(new Notice(other, Sense.RESERVATIONS_RELEASED, false));
            }
        }
        return notices;
    }

    /** REGISTER AND MOVE (SPC-4 section 5.13.8): hands the reservation to another initiator port. */
    private List<Notice> move(final String port, final long key, final long newKey, final ByteBuffer in)
            throws ScsiException {
        final int idLength = in.getInt(20);
        if (idLength < 24 || idLength != in.capacity() - 24) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        checkKey(port, key);
        final Registrations now = current;
        if (!now.holds(port)) {
            throw ScsiException.reservationConflict();
        }
        final int flags = in.get(17);
        if (newKey == 0 || now.type().heldByAll()) {
            throw new ScsiException(Sense.invalidParameter(8));
        }
        if ((flags & APTPL) != 0 && !durable()) {
            throw new ScsiException(Sense.invalidParameter(17));
        }
        if (in.getShort(18) != RELATIVE_TARGET_PORT) {
            throw new ScsiException(Sense.invalidParameter(18));
        }
        final String receiver = portOf(in);
        if (receiver.equals(port)) {
            throw new ScsiException(Sense.invalidParameter(24));
        }
        checkRoom(now, receiver);
        Registrations next = now.with(receiver, newKey).reserved(receiver, now.type());
        if ((flags & UNREG) != 0) {
            next = next.without(port);
        }
        publish(next.persistent((flags & APTPL) != 0).next());
        return List.of();
    }

    private static String portOf(final ByteBuffer in) throws ScsiException {
        final int length = Short.toUnsignedInt(in.getShort(26));
        if (in.get(24) != (TRANSPORT_ID_FORMAT_PORT | PROTOCOL_ISCSI) || length != in.capacity() - 28) {
            throw new ScsiException(Sense.invalidParameter(24));
        }
        final String padded = new String(in.array(), 28, length, StandardCharsets.UTF_8);
        final int end = padded.indexOf('\0');
        final String port = (end < 0 ? padded : padded.substring(0, end)).toLowerCase(Locale.ROOT);
        if (port.getBytes(StandardCharsets.UTF_8).length > Registrations.PORT_LENGTH_MAX) {
            throw new ScsiException(Sense.invalidParameter(28));
        }
        return port;
    }

    private static List<Notice> notices(final Registrations registered, final String except, final Sense attention) {
        return registered.keys().keySet().stream()
                .filter(other -> !other.equals(except))
                .map(other -> new Notice(other, attention, false))
                .toList();
    }

    /**
     * Saves first: a reservation that an initiator relies on after a power loss must not be one that was only in
     * memory.
     */
    private void publish(final Registrations next) {
        if (next.persistent()) {
            store.save(exportName, next.encode());
        } else if (current.persistent()) {
            store.save(exportName, null);
        }
        current = next;
    }
}
