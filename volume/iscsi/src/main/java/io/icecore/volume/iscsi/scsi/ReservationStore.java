package io.icecore.volume.iscsi.scsi;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps the persistent reservations of a logical unit whose initiators asked for that (APTPL) while the target is down.
 *
 * <p>Called for one export by one thread at a time. An implementation that cannot do what it is asked throws a
 * {@link RuntimeException}: the command that asked then fails and changes nothing.
 */
public interface ReservationStore {
    /** What was saved last for this export ({@code Export.id()}), or null. */
    byte[] load(String exportId);

    /**
     * Durable once it returns.
     *
     * @param reservations null forgets the export
     */
    void save(String exportId, byte[] reservations);

    /** Survives the end of the process. If not, initiators that ask for APTPL are told that it is not available. */
    default boolean durable() {
        return true;
    }

    /** One that forgets everything when the process ends, and says so. */
    static ReservationStore inMemory() {
        final Map<String, byte[]> saved = new ConcurrentHashMap<>();
        return new ReservationStore() {
            @Override
            public byte[] load(final String exportId) {
                return saved.get(exportId);
            }

            @Override
            public void save(final String exportId, final byte[] reservations) {
                if (reservations == null) {
                    saved.remove(exportId);
                } else {
                    saved.put(exportId, reservations);
                }
            }

            @Override
            public boolean durable() {
                return false;
            }
        };
    }
}
