package io.icecore.volume.iscsi.scsi;

/**
 * Keeps the persistent reservations of a logical unit whose initiators asked for that (APTPL) while the target is down.
 *
 * <p>Called for one export by one thread at a time. An implementation that cannot do what it is asked throws a
 * {@link RuntimeException}: the command that asked then fails and changes nothing.
 */
public interface ReservationStore {
    /**
     * Whether what is saved for this export ({@code Export.name()}) survives the end of the process. If not, initiators
     * that ask for APTPL are told that it is not available, and nothing is saved.
     */
    boolean durable(String exportName);

    /** What was saved last, or null. */
    byte[] load(String exportName);

    /**
     * Durable once it returns.
     *
     * @param reservations at most 64 KiB; null forgets the export
     */
    void save(String exportName, byte[] reservations);

    /** Keeps nothing, and says so. */
    ReservationStore NONE = new ReservationStore() {
        @Override
        public boolean durable(final String exportName) {
            return false;
        }

        @Override
        public byte[] load(final String exportName) {
            return null;
        }

        @Override
        public void save(final String exportName, final byte[] reservations) {
            throw new AssertionError("nothing survives here: " + exportName);
        }
    };
}
