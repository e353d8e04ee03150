package io.icecore.volume.iscsi.scsi;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.volume.Export;
import io.icecore.volume.IoRequest;
import io.icecore.volume.ReadOnlyException;
import io.icecore.volume.iscsi.scsi.Plan.Sharing;
import io.icecore.volume.iscsi.scsi.Plan.Workspace;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.SystemNanoClock;

/**
 * An export as a direct access block device (SPC-4, SBC-3). One object for all initiators that are logged in to it:
 * what they share, and what one has to be told of another, is here.
 *
 * <p>Thread-safe. {@link #plan} neither blocks nor changes blocks; it may take a unit attention or a RESERVE (6).
 */
public final class LogicalUnit {
    private static final int NACA = 0x04;
    private static final int EVPD = 0x01;
    private static final int DESCRIPTOR_FORMAT = 0x01;
    private static final int START = 0x01;
    private static final int LOAD_EJECT = 0x02;
    private static final int POWER_CONDITION = 0xf0;

    private final Export export;
    private final Geometry geometry;
    private final boolean removable;
    private final InquiryData inquiryData;
    private final PersistentReservations reservations;
    private final BlockCommands blockCommands;
    private final ExtendedCopy extendedCopy;
    private final ModePages modePages = new ModePages();
    private final FailureLog failures;
    private final ExclusiveGate gate = new ExclusiveGate();
    private final CopyOnWriteArrayList<Nexus> nexuses = new CopyOnWriteArrayList<>();

    private volatile Nexus reservedBy;
    private volatile boolean loaded = true;
    private volatile long sizeTold;

    /**
     * @param removable    the medium can be ejected
     * @param targetName   of the target that the unit is reached through
     * @param reservations of this export; they may outlive this object
     */
    public LogicalUnit(
            final Export export,
            final Geometry geometry,
            final boolean removable,
            final String targetName,
            final PersistentReservations reservations) {
        this.export = export;
        this.geometry = geometry;
        this.removable = removable;
        this.inquiryData = new InquiryData(geometry, removable, export.readOnly(), export.id(), targetName);
        this.reservations = reservations;
        this.blockCommands = new BlockCommands(this, export, geometry);
        this.extendedCopy = new ExtendedCopy(this, export, blockCommands, geometry, inquiryData.naa());
        this.failures = new FailureLog(export.name(), SystemNanoClock.INSTANCE);
        this.sizeTold = export.size();
    }

    /** @throws RuntimeException when reservations were saved and cannot be read */
    public static PersistentReservations reservations(final Export export, final ReservationStore store) {
        return new PersistentReservations(export.name(), store);
    }

    public Export export() {
        return export;
    }

    public ExclusiveGate gate() {
        return gate;
    }

    public int nexusCount() {
        return nexuses.size();
    }

    long blockCount() {
        return export.size() / geometry.blockLength();
    }

    /** Every write is durable before it is answered. */
    boolean writesThrough() {
        return !modePages.writeCacheEnabled();
    }

    void checkWritable() throws ScsiException {
        if (export.readOnly()) {
            throw new ScsiException(Sense.WRITE_PROTECTED);
        }
        if (modePages.softwareWriteProtected()) {
            throw new ScsiException(Sense.SOFTWARE_WRITE_PROTECTED);
        }
    }

    // Nexuses

    /** @param attention what the initiator is told first: why it finds the unit in its default state */
    public void attach(final Nexus nexus, final Sense attention) {
        nexus.attention(attention);
        nexuses.add(nexus);
    }

    /** Ends the nexus: what depends on it ends, too (SAM-5 section 6.3.4). Registrations stay. */
    public void detach(final Nexus nexus) {
        nexuses.remove(nexus);
        releaseUnit(nexus);
    }

    /**
     * LOGICAL UNIT RESET and the resets of the target (SAM-5 section 6.3.3): all commands end, RESERVE and the mode
     * pages fall back, persistent reservations stay.
     *
     * @param ended runs once no command of before is left, on any thread
     */
    public void reset(final Runnable ended) {
        reservedBy = null;
        modePages.reset();
        loaded = true;
        final List<Nexus> affected = List.copyOf(nexuses);
        for (final Nexus nexus : affected) {
            nexus.preventRemoval(false);
            nexus.attentionInsteadOfAll(Sense.RESET_OCCURRED);
        }
        abortAll(affected, ended);
    }

    private void tellOthers(final Nexus origin, final Sense attention) {
        for (final Nexus nexus : nexuses) {
            if (nexus != origin) {
                nexus.attention(attention);
            }
        }
    }

    private synchronized void noticeResize() {
        final long size = export.size();
        if (size != sizeTold) {
            sizeTold = size;
            tellOthers(null, Sense.CAPACITY_CHANGED);
        }
    }

    // Commands

    /** Answers the few commands that a LUN without a logical unit takes (SPC-4 section 6.6.2, SAM-5 section 4.7). */
    public static Plan planForNoUnit(final Cdb cdb) throws ScsiException {
        final Command command = Command.of(cdb);
        if (command == Command.INQUIRY && !cdb.bit(1, EVPD)) {
            return Plan.answer(InquiryData.ofNoLogicalUnit(), cdb.u16(3));
        }
        if (command == Command.REPORT_LUNS) {
            return reportLuns(cdb);
        }
        if (command == Command.REQUEST_SENSE) {
            return Plan.answer(Sense.LOGICAL_UNIT_NOT_SUPPORTED.encode(cdb.bit(1, DESCRIPTOR_FORMAT)), cdb.u8(4));
        }
        throw new ScsiException(Sense.LOGICAL_UNIT_NOT_SUPPORTED);
    }

    /**
     * What to do for a command.
     *
     * @throws ScsiException when it is refused, or when a unit attention comes first
     */
    public Plan plan(final Nexus nexus, final Cdb cdb) throws ScsiException {
        final Command command = Command.of(cdb);
        if (command == null) {
            final boolean badAction = Command.knownCode(cdb.operationCode());
            throw new ScsiException(badAction ? Sense.invalidCdbField(1) : Sense.INVALID_OPERATION_CODE);
        }
        if ((cdb.control() & NACA) != 0) {
            throw new ScsiException(Sense.invalidCdbField(command.cdbLength() - 1));
        }
        if (export.size() != sizeTold) {
            noticeResize();
        }
        if (command.access() != Command.Access.ALWAYS) {
            final Sense attention = nexus.takeAttention();
            if (attention != null) {
                throw new ScsiException(attention);
            }
            checkReservations(nexus, command, cdb);
            checkMedium(command);
        }
        return plan(nexus, command, cdb);
    }

    private Plan plan(final Nexus nexus, final Command command, final Cdb cdb) throws ScsiException {
        return switch (command) {
            case READ_6 -> blockCommands.read(cdb, true);
            case READ_10, READ_12, READ_16 -> blockCommands.read(cdb, false);
            case WRITE_6 -> blockCommands.write(cdb, true);
            case WRITE_10, WRITE_12, WRITE_16 -> blockCommands.write(cdb, false);
            case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16 -> blockCommands.synchronizeCache(cdb);
            case PRE_FETCH_10, PRE_FETCH_16 -> blockCommands.prefetch(cdb);
            case VERIFY_10, VERIFY_12, VERIFY_16 -> blockCommands.verify(cdb);
            case WRITE_AND_VERIFY_10, WRITE_AND_VERIFY_12, WRITE_AND_VERIFY_16 -> blockCommands.writeAndVerify(cdb);
            case COMPARE_AND_WRITE -> blockCommands.compareAndWrite(cdb);
            case ORWRITE_16 -> blockCommands.orWrite(cdb);
            case WRITE_SAME_10 -> blockCommands.writeSame(cdb, false);
            case WRITE_SAME_16 -> blockCommands.writeSame(cdb, true);
            case UNMAP -> blockCommands.unmap(cdb);
            case GET_LBA_STATUS -> blockCommands.getLbaStatus(cdb);
            case EXTENDED_COPY -> extendedCopy.copy(nexus, cdb);
            case COPY_STATUS -> extendedCopy.status(nexus, cdb);
            case COPY_OPERATING_PARAMETERS -> ExtendedCopy.operatingParameters(cdb);
            case TEST_UNIT_READY -> Plan.good();
            case INQUIRY -> inquiry(cdb);
            case REPORT_LUNS -> reportLuns(cdb);
            case REQUEST_SENSE -> requestSense(nexus, cdb);
            case READ_CAPACITY_10 -> readCapacity10(cdb);
            case READ_CAPACITY_16 -> readCapacity16(cdb);
            case READ_DEFECT_DATA_10 -> Plan.answer(new byte[] {0, (byte) (cdb.u8(2) & 0x1f), 0, 0}, cdb.u16(7));
            case READ_DEFECT_DATA_12 ->
                Plan.answer(new byte[] {0, (byte) (cdb.u8(1) & 0x1f), 0, 0, 0, 0, 0, 0}, cdb.u32(6));
            case MODE_SENSE_6 -> Plan.answer(modeSense(cdb, false), cdb.u8(4));
            case MODE_SENSE_10 -> Plan.answer(modeSense(cdb, true), cdb.u16(7));
            case MODE_SELECT_6 -> modeSelect(nexus, cdb, false, cdb.u8(4));
            case MODE_SELECT_10 -> modeSelect(nexus, cdb, true, cdb.u16(7));
            case START_STOP_UNIT -> startStopUnit(cdb);
            case PREVENT_ALLOW_MEDIUM_REMOVAL -> {
                nexus.preventRemoval((cdb.u8(4) & 1) != 0);
                yield Plan.good();
            }
            case REPORT_SUPPORTED_OPERATION_CODES -> SupportedCommands.report(cdb);
            case RESERVE_6 -> reserveUnit(nexus);
            case RELEASE_6 -> {
                releaseUnit(nexus);
                yield Plan.good();
            }
            case PERSISTENT_READ_KEYS -> Plan.answer(reservations.readKeys(), cdb.u16(7));
            case PERSISTENT_READ_RESERVATION -> Plan.answer(reservations.readReservation(), cdb.u16(7));
            case PERSISTENT_REPORT_CAPABILITIES -> Plan.answer(reservations.reportCapabilities(), cdb.u16(7));
            case PERSISTENT_READ_FULL_STATUS -> Plan.answer(reservations.readFullStatus(), cdb.u16(7));
            case PERSISTENT_REGISTER,
                    PERSISTENT_RESERVE,
                    PERSISTENT_RELEASE,
                    PERSISTENT_CLEAR,
                    PERSISTENT_PREEMPT,
                    PERSISTENT_PREEMPT_AND_ABORT,
                    PERSISTENT_REGISTER_AND_IGNORE,
                    PERSISTENT_REGISTER_AND_MOVE -> persistentReserveOut(nexus, cdb);
        };
    }

    // Reservations

    private void checkReservations(final Nexus nexus, final Command command, final Cdb cdb) throws ScsiException {
        final Nexus holder = reservedBy;
        final boolean persistentCommand = command.name().startsWith("PERSISTENT_");
        if (holder != null && (holder != nexus || persistentCommand) && !allowedUnderReserve(command, cdb)) {
            throw ScsiException.reservationConflict();
        }
        if (reservations.conflicts(nexus.port(), effectiveAccess(command, cdb))) {
            throw ScsiException.reservationConflict();
        }
    }

    /** SPC-2 table 10. */
    private static boolean allowedUnderReserve(final Command command, final Cdb cdb) {
        return command == Command.RELEASE_6 || command == Command.PREVENT_ALLOW_MEDIUM_REMOVAL && (cdb.u8(4) & 3) == 0;
    }

    private static Command.Access effectiveAccess(final Command command, final Cdb cdb) {
        if (command == Command.START_STOP_UNIT) {
            final boolean onlyStarts = (cdb.u8(4) & (POWER_CONDITION | LOAD_EJECT | START)) == START;
            return onlyStarts ? Command.Access.FREE : Command.Access.WRITE;
        }
        if (command == Command.PREVENT_ALLOW_MEDIUM_REMOVAL) {
            return (cdb.u8(4) & 3) == 0 ? Command.Access.FREE : Command.Access.WRITE;
        }
        return command.access() == Command.Access.OWN ? Command.Access.FREE : command.access();
    }

    /** RESERVE (6) (SPC-2 section 7.21): of the whole unit, until released, reset or logged out. */
    private synchronized Plan reserveUnit(final Nexus nexus) throws ScsiException {
        if (reservations.anyRegistered() || reservedBy != null && reservedBy != nexus) {
            throw ScsiException.reservationConflict();
        }
        reservedBy = nexus;
        return Plan.good();
    }

    private synchronized void releaseUnit(final Nexus nexus) {
        if (reservedBy == nexus) {
            reservedBy = null;
        }
    }

    private Plan persistentReserveOut(final Nexus nexus, final Cdb cdb) throws ScsiException {
        final long listLength = cdb.u32(5);
        if (listLength < PersistentReservations.PARAMETER_LIST_LENGTH || listLength > 4096) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        return Plan.work(Sharing.NONE, (int) listLength, 0, workspace -> {
            final byte[] list = parameterList(workspace).array();
            final List<Nexus> aborted = new ArrayList<>();
            for (final PersistentReservations.Notice notice : reservations.change(nexus.port(), cdb, list)) {
                tell(notice, aborted);
            }
            if (!aborted.isEmpty()) {
                // Whoever was preempted may still be writing: this command is over when that is.
                workspace.answerAfter(whenEnded -> abortAll(aborted, whenEnded));
            }
            return 0;
        });
    }

    private void tell(final PersistentReservations.Notice notice, final List<Nexus> aborted) {
        for (final Nexus nexus : nexuses) {
            if (nexus.port().equals(notice.port())) {
                nexus.attention(notice.attention());
                if (notice.abort()) {
                    nexus.attention(Sense.COMMANDS_CLEARED);
                    aborted.add(nexus);
                }
            }
        }
    }

    /** @param whenEnded runs once no command of theirs is left, on any thread */
    private static void abortAll(final List<Nexus> affected, final Runnable whenEnded) {
        final AtomicInteger left = new AtomicInteger(affected.size() + 1);
        final Runnable one = () -> {
            if (left.decrementAndGet() == 0) {
                whenEnded.run();
            }
        };
        affected.forEach(nexus -> nexus.tasks().abortAll(one));
        one.run();
    }

    // The unit as such

    private static Plan reportLuns(final Cdb cdb) throws ScsiException {
        final int select = cdb.u8(2);
        if (select > 2) {
            throw new ScsiException(Sense.invalidCdbField(2));
        }
        // LUN 0 is all there is; of well known logical units (1) there are none.
        final int length = select == 1 ? 0 : 8;
        return Plan.answer(ByteBuffer.allocate(8 + length).putInt(length).array(), cdb.u32(6));
    }

    private Plan inquiry(final Cdb cdb) throws ScsiException {
        final int page = cdb.u8(2);
        if (!cdb.bit(1, EVPD)) {
            if (page != 0) {
                throw new ScsiException(Sense.invalidCdbField(2));
            }
            return Plan.answer(inquiryData.standard(), cdb.u16(3));
        }
        final byte[] content = inquiryData.page(page);
        if (content == null) {
            throw new ScsiException(Sense.invalidCdbField(2));
        }
        return Plan.answer(content, cdb.u16(3));
    }

    private static Plan requestSense(final Nexus nexus, final Cdb cdb) {
        final Sense attention = nexus.takeAttention();
        final Sense sense = attention == null ? Sense.NONE : attention;
        return Plan.answer(sense.encode(cdb.bit(1, DESCRIPTOR_FORMAT)), cdb.u8(4));
    }

    private Plan readCapacity10(final Cdb cdb) throws ScsiException {
        if (cdb.u32(2) != 0 || cdb.bit(8, 0x01)) {
            throw new ScsiException(Sense.invalidCdbField(2)); // An LBA without PMI, and PMI: both obsolete.
        }
        final long last = Math.min(blockCount() - 1, 0xffff_ffffL);
        return Plan.answer(
                ByteBuffer.allocate(8)
                        .putInt((int) last)
                        .putInt(geometry.blockLength())
                        .array(),
                8);
    }

    private Plan readCapacity16(final Cdb cdb) {
        final ByteBuffer out = ByteBuffer.allocate(32);
        out.putLong(blockCount() - 1).putInt(geometry.blockLength()).put((byte) 0);
        out.put((byte) Integer.numberOfTrailingZeros(geometry.blocksPerPhysical()));
        out.put((byte) 0xc0); // LBPME, LBPRZ
        return Plan.answer(out.array(), cdb.u32(10));
    }

    private byte[] modeSense(final Cdb cdb, final boolean ten) throws ScsiException {
        return modePages.sense(cdb, ten, export.readOnly(), blockCount(), geometry.blockLength());
    }

    private Plan modeSelect(final Nexus nexus, final Cdb cdb, final boolean ten, final int listLength)
            throws ScsiException {
        ModePages.checkSelect(cdb);
        if (listLength == 0) {
            return Plan.good();
        }
        return Plan.work(Sharing.NONE, listLength, 0, workspace -> {
            final byte[] list = parameterList(workspace).array();
            if (modePages.select(list, ten, blockCount(), geometry.blockLength())) {
                tellOthers(nexus, Sense.MODE_PARAMETERS_CHANGED);
            }
            return 0;
        });
    }

    /** START STOP UNIT (SBC-3 section 5.25). A volume does not spin: stopping it makes it durable, and no more. */
    private Plan startStopUnit(final Cdb cdb) throws ScsiException {
        final boolean starts = cdb.bit(4, START);
        if (cdb.bit(4, POWER_CONDITION)) {
            return Plan.good();
        }
        if (cdb.bit(4, LOAD_EJECT)) {
            if (!removable) {
                throw new ScsiException(Sense.invalidCdbField(4));
            }
            loadOrEject(starts);
        }
        return starts || export.readOnly() ? Plan.good() : Plan.request(IoRequest.Op.FLUSH, 0, 0);
    }

    private synchronized void loadOrEject(final boolean load) throws ScsiException {
        if (nexuses.stream().anyMatch(Nexus::preventsRemoval)) {
            throw new ScsiException(Sense.REMOVAL_PREVENTED);
        }
        loaded = load;
    }

    private void checkMedium(final Command command) throws ScsiException {
        if (loaded) {
            return;
        }
        final boolean needsMedium = command == Command.TEST_UNIT_READY
                || command == Command.READ_CAPACITY_10
                || command == Command.READ_CAPACITY_16
                || command.access() == Command.Access.READ
                || command.access() == Command.Access.WRITE;
        final boolean pages = command == Command.MODE_SENSE_6
                || command == Command.MODE_SENSE_10
                || command == Command.MODE_SELECT_6
                || command == Command.MODE_SELECT_10;
        if (needsMedium && !pages) {
            throw new ScsiException(Sense.NO_MEDIUM);
        }
    }

    /** A copy of what the initiator sent. */
    static ByteBuffer parameterList(final Workspace workspace) {
        final byte[] list = new byte[workspace.dataOutLength()];
        workspace.data().getBytes(0, list);
        return ByteBuffer.wrap(list);
    }

    // Failures

    /** What the initiator is told of a failure below. Logs what a person should look at. */
    public ScsiException failureOf(final Throwable failure) {
        if (failure instanceof ScsiException scsi) {
            return scsi;
        }
        if (failure instanceof ReadOnlyException) {
            return new ScsiException(Sense.WRITE_PROTECTED);
        }
        failures.failed(failure);
        if (failure instanceof NoSpaceException) {
            return new ScsiException(Sense.NO_SPACE);
        }
        if (failure instanceof CorruptStoreException) {
            return new ScsiException(Sense.UNRECOVERED_READ);
        }
        return new ScsiException(Sense.INTERNAL_TARGET_FAILURE);
    }

    /** In the format that the control mode page asks for. */
    public byte[] encode(final Sense sense) {
        return sense.encode(modePages.descriptorSense());
    }
}
