package io.icecore.volume.nbd;

import io.icecore.volume.VolumeWorkers;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * Serves a volume {@code vol} and a snapshot {@code vol@snap} from memory until standard input ends, to try clients on.
 * {@code -DlatencyMicros=100} makes it as slow as a device, {@code -Dworkers=8} sets the number of workers.
 */
final class MemoryNbdServerMain {
    private MemoryNbdServerMain() {}

    /** @param args path of a socket, TCP port, MiB */
    public static void main(final String[] args) throws Exception {
        final int size = Integer.parseInt(args[2]) << 20;
        final MemoryExportTable table = new MemoryExportTable();
        final long latencyNanos = Long.getLong("latencyMicros", 0) * 1000;
        table.add("vol", size).hook = (method, offset, length) -> {
            if (latencyNanos > 0) {
                LockSupport.parkNanos(latencyNanos);
            }
        };
        table.add("vol@snap", 1 << 20);
        try (VolumeWorkers workers = new VolumeWorkers(Integer.getInteger("workers", 8), 1024);
                NbdServer server = new NbdServer(table, workers, NbdServerOptions.DEFAULT)) {
            server.listen(UnixDomainSocketAddress.of(Path.of(args[0])));
            server.listen(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])));
            while (System.in.read() >= 0) {
                server.clients().forEach(System.out::println);
            }
        }
    }
}
