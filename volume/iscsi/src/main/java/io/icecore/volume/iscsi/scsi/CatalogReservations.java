package io.icecore.volume.iscsi.scsi;

import io.icecore.volume.Catalog;

/**
 * Keeps the reservations of a volume in the store, as an attribute of the volume: they are durable when the command is
 * answered, go with the volume when it is deleted, and stay when it is rolled back.
 *
 * <p>Those of a snapshot are not kept: nothing is written there that a reservation would have to guard through a
 * restart, and a snapshot has no attributes.
 */
public final class CatalogReservations implements ReservationStore {
    private static final String ATTRIBUTE = "iscsi-reservations";

    private final Catalog catalog;

    public CatalogReservations(final Catalog catalog) {
        this.catalog = catalog;
    }

    @Override
    public boolean durable(final String exportName) {
        return exportName.indexOf('@') < 0;
    }

    @Override
    public byte[] load(final String exportName) {
        return durable(exportName) ? catalog.attribute(exportName, ATTRIBUTE).orElse(null) : null;
    }

    @Override
    public void save(final String exportName, final byte[] reservations) {
        catalog.setAttribute(exportName, ATTRIBUTE, reservations);
    }
}
