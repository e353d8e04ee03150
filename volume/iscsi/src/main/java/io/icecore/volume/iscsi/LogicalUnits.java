package io.icecore.volume.iscsi;

import io.icecore.volume.Export;
import io.icecore.volume.ExportTable;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.iscsi.scsi.LogicalUnit;
import io.icecore.volume.iscsi.scsi.Nexus;
import io.icecore.volume.iscsi.scsi.PersistentReservations;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import io.icecore.volume.iscsi.scsi.Sense;
import java.util.HashMap;
import java.util.Map;

/**
 * The logical units in use: opened with the first session, closed with the last. One for each export, by its
 * identity, so that sessions which came by different names share locks and reservations.
 *
 * <p>Registrations outlive the unit for as long as the target runs: an initiator that logs out and comes back finds
 * them.
 */
final class LogicalUnits {
    private final IscsiOptions options;
    private final ExportTable exports;
    private final ReservationStore reservationStore;
    private final TargetNames names;
    private final Map<String, LogicalUnit> units = new HashMap<>();
    private final Map<String, PersistentReservations> reservations = new HashMap<>();

    LogicalUnits(
            final IscsiOptions options,
            final ExportTable exports,
            final ReservationStore reservationStore,
            final TargetNames names) {
        this.options = options;
        this.exports = exports;
        this.reservationStore = reservationStore;
        this.names = names;
    }

    /**
     * The unit behind a target name, which stays open until {@link #release}.
     *
     * @throws NoSuchException when the name stands for nothing
     */
    LogicalUnit open(final String targetName) {
        return unitOf(openExport(targetName), targetName);
    }

    /** The export behind a target name. */
    Export openExport(final String targetName) {
        for (final String spec : names.specsOf(targetName)) {
            try {
                return exports.open(spec);
            } catch (final NoSuchException | IllegalArgumentException ex) {
                continue; // The name can be read in another way, perhaps.
            }
        }
        throw new NoSuchException("no such target: " + targetName);
    }

    private synchronized LogicalUnit unitOf(final Export export, final String targetName) {
        final LogicalUnit open = units.get(export.id());
        if (open != null) {
            export.close();
            return open;
        }
        try {
            final PersistentReservations known =
                    reservations.computeIfAbsent(export.id(), id -> LogicalUnit.reservations(export, reservationStore));
            final LogicalUnit unit =
                    new LogicalUnit(export, options.geometry(), options.removable(), targetName, known);
            units.put(export.id(), unit);
            return unit;
        } catch (final RuntimeException ex) {
            export.close();
            throw ex;
        }
    }

    /**
     * Makes a nexus with a unit that {@link #open} returned. False: the unit has been closed meanwhile, open it again.
     */
    synchronized boolean attach(final LogicalUnit unit, final Nexus nexus, final Sense attention) {
        if (units.get(unit.export().id()) != unit) {
            return false;
        }
        unit.attach(nexus, attention);
        return true;
    }

    /** Ends a nexus, if there is one; closes the unit when none is left. */
    synchronized void release(final LogicalUnit unit, final Nexus nexus) {
        unit.detach(nexus);
        if (unit.nexusCount() == 0 && units.remove(unit.export().id(), unit)) {
            reservations.computeIfPresent(unit.export().id(), (id, known) -> known.isEmpty() ? null : known);
            unit.export().close();
        }
    }
}
