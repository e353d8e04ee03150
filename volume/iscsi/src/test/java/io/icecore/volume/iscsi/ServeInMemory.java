package io.icecore.volume.iscsi;

import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.Geometry;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import java.net.InetSocketAddress;

/**
 * Serves a volume in memory, for trying initiators by hand: {@code ServeInMemory PORT [BLOCK_LENGTH [removable]]}.
 * Ends with its standard input.
 */
public final class ServeInMemory {
    private static final long SIZE = 1L << 30;

    private ServeInMemory() {}

    public static void main(final String[] arguments) throws Exception {
        final InMemoryExports exports = new InMemoryExports().addVolume("vm1", SIZE);
        exports.addSnapshot("vm1", "empty");
        final Geometry geometry = new Geometry(arguments.length > 1 ? Integer.parseInt(arguments[1]) : 512);
        final IscsiOptions options = IscsiOptions.DEFAULT.withGeometry(geometry).withRemovable(arguments.length > 2);
        try (VolumeWorkers workers = new VolumeWorkers(4, 256);
                IscsiTarget target = new IscsiTarget("lab", options, exports, ReservationStore.NONE, workers)) {
            final IscsiPortal portal =
                    target.listen(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
            System.out.println(
                    "iscsi://127.0.0.1:" + portal.address().getPort() + '/' + target.targetName("vm1") + "/0");
            while (System.in.read() >= 0) {
                // Until the other end closes it.
            }
        }
    }
}
