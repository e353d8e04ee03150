package io.icecore.volume.iscsi.scsi;

/** A command ends with a status other than GOOD. What an initiator provokes at will, so it carries no stack trace. */
public final class ScsiException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final transient Sense sense;

    private ScsiException(final int status, final Sense sense) {
        super(sense == null ? String.format("status 0x%02x", status) : sense.toString(), null, false, false);
        this.status = status;
        this.sense = sense;
    }

    /** CHECK CONDITION. */
    public ScsiException(final Sense sense) {
        this(ScsiStatus.CHECK_CONDITION, sense);
    }

    /** The command cannot be taken now, and may be later (SAM-5 section 5.3.1). */
    public static ScsiException busy() {
        return new ScsiException(ScsiStatus.BUSY, null);
    }

    public static ScsiException reservationConflict() {
        return new ScsiException(ScsiStatus.RESERVATION_CONFLICT, null);
    }

    /** One of {@link ScsiStatus}. */
    public int status() {
        return status;
    }

    /** Of CHECK CONDITION; otherwise null. */
    public Sense sense() {
        return sense;
    }
}
