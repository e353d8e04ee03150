package io.icecore.volume.iscsi.scsi;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The commands of the logical unit: code, service action, the bits of the CDB that are looked at, and how each fares
 * while another initiator holds a reservation. REPORT SUPPORTED OPERATION CODES and {@link LogicalUnit#plan} read the
 * same table, so that what is claimed is what is done.
 *
 * <p>The string is the CDB usage data of SPC-4 section 6.35.3: the operation code, then a one for each bit that is
 * evaluated; a service action stands in byte 1 as its own value.
 */
enum Command {
    TEST_UNIT_READY("00 00 00 00 00 00", Access.FREE),
    REQUEST_SENSE("03 01 00 00 ff 00", Access.ALWAYS),
    READ_6("08 1f ff ff ff 00", Access.READ),
    WRITE_6("0a 1f ff ff ff 00", Access.WRITE),
    INQUIRY("12 01 ff ff ff 00", Access.ALWAYS),
    MODE_SELECT_6("15 11 00 00 ff 00", Access.WRITE),
    RESERVE_6("16 00 00 00 00 00", Access.OWN),
    RELEASE_6("17 00 00 00 00 00", Access.OWN),
    MODE_SENSE_6("1a 08 ff ff ff 00", Access.READ),
    START_STOP_UNIT("1b 01 00 0f f7 00", Access.OWN),
    PREVENT_ALLOW_MEDIUM_REMOVAL("1e 00 00 00 03 00", Access.OWN),
    READ_CAPACITY_10("25 00 00 00 00 00 00 00 00 00", Access.FREE),
    READ_10("28 18 ff ff ff ff 1f ff ff 00", Access.READ),
    WRITE_10("2a 18 ff ff ff ff 1f ff ff 00", Access.WRITE),
    WRITE_AND_VERIFY_10("2e 12 ff ff ff ff 1f ff ff 00", Access.WRITE),
    VERIFY_10("2f 16 ff ff ff ff 1f ff ff 00", Access.READ),
    PRE_FETCH_10("34 02 ff ff ff ff 1f ff ff 00", Access.READ),
    SYNCHRONIZE_CACHE_10("35 02 ff ff ff ff 1f ff ff 00", Access.WRITE),
    READ_DEFECT_DATA_10("37 00 1f 00 00 00 00 ff ff 00", Access.READ),
    WRITE_SAME_10("41 08 ff ff ff ff 1f ff ff 00", Access.WRITE),
    UNMAP("42 00 00 00 00 00 1f ff ff 00", Access.WRITE),
    MODE_SELECT_10("55 11 00 00 00 00 00 ff ff 00", Access.WRITE),
    MODE_SENSE_10("5a 18 ff ff 00 00 00 ff ff 00", Access.READ),
    PERSISTENT_READ_KEYS("5e 00 00 00 00 00 00 ff ff 00", Access.FREE),
    PERSISTENT_READ_RESERVATION("5e 01 00 00 00 00 00 ff ff 00", Access.FREE),
    PERSISTENT_REPORT_CAPABILITIES("5e 02 00 00 00 00 00 ff ff 00", Access.FREE),
    PERSISTENT_READ_FULL_STATUS("5e 03 00 00 00 00 00 ff ff 00", Access.FREE),
    PERSISTENT_REGISTER("5f 00 ff 00 00 ff ff ff ff 00", Access.OWN),
    PERSISTENT_RESERVE("5f 01 ff 00 00 ff ff ff ff 00", Access.OWN),
    PERSISTENT_RELEASE("5f 02 ff 00 00 ff ff ff ff 00", Access.OWN),
    PERSISTENT_CLEAR("5f 03 ff 00 00 ff ff ff ff 00", Access.OWN),
    PERSISTENT_PREEMPT("5f 04 ff 00 00 ff ff ff ff 00", Access.OWN),
    PERSISTENT_PREEMPT_AND_ABORT("5f 05 ff 00 00 ff ff ff ff 00", Access.OWN),
    PERSISTENT_REGISTER_AND_IGNORE("5f 06 ff 00 00 ff ff ff ff 00", Access.OWN),
    PERSISTENT_REGISTER_AND_MOVE("5f 07 ff 00 00 ff ff ff ff 00", Access.OWN),
    EXTENDED_COPY("83 00 00 00 00 00 00 00 00 00 ff ff ff ff 00 00", Access.WRITE),
    COPY_STATUS("84 00 ff 00 00 00 00 00 00 00 ff ff ff ff 00 00", Access.READ),
    COPY_OPERATING_PARAMETERS("84 03 00 00 00 00 00 00 00 00 ff ff ff ff 00 00", Access.READ),
    READ_16("88 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", Access.READ),
    COMPARE_AND_WRITE("89 18 ff ff ff ff ff ff ff ff 00 00 00 ff 1f 00", Access.WRITE),
    WRITE_16("8a 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", Access.WRITE),
    ORWRITE_16("8b 18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", Access.WRITE),
    WRITE_AND_VERIFY_16("8e 12 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", Access.WRITE),
    VERIFY_16("8f 16 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", Access.READ),
    PRE_FETCH_16("90 02 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", Access.READ),
    SYNCHRONIZE_CACHE_16("91 02 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", Access.WRITE),
    WRITE_SAME_16("93 09 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", Access.WRITE),
    READ_CAPACITY_16("9e 10 00 00 00 00 00 00 00 00 ff ff ff ff 00 00", Access.FREE),
    GET_LBA_STATUS("9e 12 ff ff ff ff ff ff ff ff ff ff ff ff 00 00", Access.READ),
    REPORT_LUNS("a0 00 ff 00 00 00 ff ff ff ff 00 00", Access.ALWAYS),
    REPORT_SUPPORTED_OPERATION_CODES("a3 0c 87 ff ff ff ff ff ff ff 00 00", Access.FREE),
    READ_12("a8 18 ff ff ff ff ff ff ff ff 1f 00", Access.READ),
    WRITE_12("aa 18 ff ff ff ff ff ff ff ff 1f 00", Access.WRITE),
    WRITE_AND_VERIFY_12("ae 12 ff ff ff ff ff ff ff ff 1f 00", Access.WRITE),
    VERIFY_12("af 16 ff ff ff ff ff ff ff ff 1f 00", Access.READ),
    READ_DEFECT_DATA_12("b7 1f 00 00 00 00 ff ff ff ff 00 00", Access.READ);

    /** What another initiator's reservation does to the command (SPC-4 table 65, SBC-3 table 5; SPC-2 for RESERVE). */
    enum Access {
        /** Never in conflict. */
        ALWAYS,
        /** In conflict with RESERVE only. */
        FREE,
        /** In conflict with the exclusive access types, too. */
        READ,
        /** In conflict with every type. */
        WRITE,
        /** Depends on more than the code; whoever executes the command looks. */
        OWN
    }

    private static final int NO_SERVICE_ACTION = -1;
    private static final int SERVICE_ACTION_MASK = 0x1f;
    private static final List<List<Command>> BY_CODE = byCode();

    private final byte[] usage;
    private final Access access;
    private final int serviceAction;

    Command(final String usage, final Access access) {
        this.usage = HexFormat.ofDelimiter(" ").parseHex(usage);
        this.access = access;
        this.serviceAction = hasServiceAction(code()) ? this.usage[1] & SERVICE_ACTION_MASK : NO_SERVICE_ACTION;
    }

    int code() {
        return usage[0] & 0xff;
    }

    Access access() {
        return access;
    }

    boolean hasServiceAction() {
        return serviceAction != NO_SERVICE_ACTION;
    }

    int serviceAction() {
        return serviceAction;
    }

    int cdbLength() {
        return usage.length;
    }

    byte[] usage() {
        return usage.clone();
    }

    /** The command that a CDB stands for, or null when there is none of its code and service action. */
    static Command of(final Cdb cdb) {
        return of(cdb.operationCode(), cdb.serviceAction());
    }

    static Command of(final int code, final int serviceAction) {
        for (final Command command : BY_CODE.get(code)) {
            if (!command.hasServiceAction() || command.serviceAction == serviceAction) {
                return command;
            }
        }
        return null;
    }

    static boolean knownCode(final int code) {
        return !BY_CODE.get(code).isEmpty();
    }

    /** Whether commands of this code are told apart by a service action. */
    static boolean hasServiceAction(final int code) {
        return switch (code) {
            case 0x5e, 0x5f, 0x83, 0x84, 0x9e, 0xa3 -> true;
            default -> false;
        };
    }

    private static List<List<Command>> byCode() {
        final List<List<Command>> table = new ArrayList<>();
        for (int code = 0; code <= 0xff; code++) {
            table.add(new ArrayList<>());
        }
        for (final Command command : values()) {
            table.get(command.code()).add(command);
        }
        return table;
    }
}
