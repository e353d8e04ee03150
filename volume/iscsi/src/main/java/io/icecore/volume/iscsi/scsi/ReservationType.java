package io.icecore.volume.iscsi.scsi;

/** Types of persistent reservation (SPC-4 section 6.15.3.4) and what they keep other initiators from. */
enum ReservationType {
    WRITE_EXCLUSIVE(1, false, false, false),
    EXCLUSIVE_ACCESS(3, true, false, false),
    WRITE_EXCLUSIVE_REGISTRANTS_ONLY(5, false, true, false),
    EXCLUSIVE_ACCESS_REGISTRANTS_ONLY(6, true, true, false),
    WRITE_EXCLUSIVE_ALL_REGISTRANTS(7, false, true, true),
    EXCLUSIVE_ACCESS_ALL_REGISTRANTS(8, true, true, true);

    private final int code;
    private final boolean excludesReads;
    private final boolean admitsRegistrants;
    private final boolean heldByAll;

    ReservationType(
            final int code, final boolean excludesReads, final boolean admitsRegistrants, final boolean heldByAll) {
        this.code = code;
        this.excludesReads = excludesReads;
        this.admitsRegistrants = admitsRegistrants;
        this.heldByAll = heldByAll;
    }

    int code() {
        return code;
    }

    boolean excludesReads() {
        return excludesReads;
    }

    boolean admitsRegistrants() {
        return admitsRegistrants;
    }

    /** Every registrant is a holder. */
    boolean heldByAll() {
        return heldByAll;
    }

    /** Null when there is no such type. */
    static ReservationType of(final int code) {
        for (final ReservationType type : values()) {
            if (type.code == code) {
                return type;
            }
        }
        return null;
    }
}
