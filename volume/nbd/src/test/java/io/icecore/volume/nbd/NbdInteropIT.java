package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.volume.VolumeWorkers;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The server as real clients see it: QEMU, libnbd's tools and fio, over both kinds of socket. What they check is theirs to
 * say; a client that is not installed is skipped on a developer's machine and a failure in continuous integration.
 */
@Timeout(120)
class NbdInteropIT {
    private static final int SIZE = 64 << 20;

    enum Transport {
        UNIX,
        TCP
    }

    @TempDir
    private Path directory;

    private final MemoryExportTable table = new MemoryExportTable();
    private final VolumeWorkers workers = new VolumeWorkers(4, 256);
    private final NbdServer server = new NbdServer(table, workers, NbdServerOptions.DEFAULT);
    private Path socket;
    private int port;

    @BeforeEach
    void listen() throws IOException {
        table.add("vol", SIZE);
        table.add("vol@monday", 1 << 20);
        socket = directory.resolve("s");
        server.listen(UnixDomainSocketAddress.of(socket));
        port = ((InetSocketAddress) server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)))
                .getPort();
    }

    @AfterEach
    void close() {
        server.close();
        workers.close();
    }

    private String uri(final Transport transport, final String export) {
        return switch (transport) {
            case UNIX -> "nbd+unix:///" + export + "?socket=" + socket;
            case TCP -> "nbd://127.0.0.1:" + port + "/" + export;
        };
    }

    @ParameterizedTest
    @EnumSource
    void qemuIoReadsWhatItWrote(final Transport transport) throws Exception {
        final String output = RealClient.of("qemu-io")
                .run(
                        "-f",
                        "raw",
                        "-c",
                        "write -P 0xa5 0 1M",
                        "-c",
                        "write -f -P 0x5a 1M 64k",
                        "-c",
                        "write -z 256k 64k",
                        "-c",
                        "write -z -u 320k 64k",
                        "-c",
                        "discard 2M 1M",
                        "-c",
                        "flush",
                        "-c",
                        "read -P 0xa5 0 256k",
                        "-c",
                        "read -P 0 256k 128k",
                        "-c",
                        "read -P 0xa5 384k 640k",
                        "-c",
                        "read -P 0x5a 1M 64k",
                        "-c",
                        "aio_write -P 0x77 4M 512k",
                        "-c",
                        "aio_write -P 0x78 5M 3M",
                        "-c",
                        "aio_flush",
                        "-c",
                        "read -P 0x77 4M 512k",
                        "-c",
                        "read -P 0x78 5M 3M",
                        uri(transport, "vol"));

        assertThat(output).doesNotContain("failed").contains("read 3145728/3145728");
    }

    @ParameterizedTest
    @EnumSource
    void qemuIoIsRefusedToWriteASnapshot(final Transport transport) throws Exception {
        final RealClient qemuIo = RealClient.of("qemu-io");

        assertThat(qemuIo.fail("-f", "raw", "-c", "write 0 4k", uri(transport, "vol@monday")))
                .containsAnyOf("read-only", "Permission", "permitted");
        assertThat(qemuIo.run("-r", "-f", "raw", "-c", "read -P 0 0 1M", uri(transport, "vol@monday")))
                .contains("read 1048576/1048576");
    }

    @ParameterizedTest
    @EnumSource
    void qemuImgComparesAndMapsWithHoles(final Transport transport) throws Exception {
        final RealClient qemuImg = RealClient.of("qemu-img");
        final Path image = sparseImage();
        qemuImg.run("convert", "-n", "-f", "raw", "-O", "raw", image.toString(), uri(transport, "vol"));

        assertThat(qemuImg.run("compare", "-f", "raw", "-F", "raw", image.toString(), uri(transport, "vol")))
                .contains("Images are identical.");
        assertThat(qemuImg.run("map", "--output=json", "-f", "raw", uri(transport, "vol")))
                .contains("\"start\": 0, \"length\": 1048576", "\"zero\": true, \"data\": false");
    }

    @ParameterizedTest
    @EnumSource
    void nbdcopyCarriesAnImageThereAndBack(final Transport transport) throws Exception {
        final RealClient nbdcopy = RealClient.of("nbdcopy");
        final Path image = sparseImage();
        final Path back = directory.resolve("back.img");

        nbdcopy.run("--flush", "--connections=4", "--requests=64", image.toString(), uri(transport, "vol"));
        nbdcopy.run("--connections=4", uri(transport, "vol"), back.toString());

        assertThat(Files.mismatch(image, back)).isEqualTo(-1);
    }

    @ParameterizedTest
    @EnumSource
    void nbdinfoListsDescribesAndMaps(final Transport transport) throws Exception {
        final RealClient nbdinfo = RealClient.of("nbdinfo");
        final byte[] chunk = new byte[4096];
        chunk[0] = 1;
        table.open("vol").write(8192, new org.agrona.concurrent.UnsafeBuffer(chunk), 0, 4096, false);

        assertThat(nbdinfo.run("--list", uri(transport, "")))
                .contains("export=\"vol\":", "export=\"vol@monday\":", "description: Icecore snapshot, read-only")
                .contains("can_multi_conn: true", "block_size_preferred: 4096", "base:allocation");
        assertThat(nbdinfo.run("--map", uri(transport, "vol")).lines())
                .map(line -> line.trim().replaceAll(" +", " "))
                .containsExactly("0 8192 3 hole,zero", "8192 4096 0 data", "12288 67096576 3 hole,zero");
        assertThat(nbdinfo.fail("--size", uri(transport, "nothing"))).contains("no export named 'nothing'");
        assertThat(nbdinfo.run("--size", uri(transport, "")))
                .as("the only volume")
                .contains("67108864");
    }

    @ParameterizedTest
    @EnumSource
    void fioVerifiesWhatItWrote(final Transport transport) throws Exception {
        RealClient.of("fio")
                .run(
                        "--thread",
                        "--name=verify",
                        "--ioengine=nbd",
                        "--uri=" + uri(transport, "vol"),
                        "--rw=randwrite",
                        "--bsrange=512-200k",
                        "--bs_unaligned",
                        "--iodepth=32",
                        "--fsync=64",
                        "--size=32m",
                        "--verify=crc32c",
                        "--do_verify=1",
                        "--verify_fatal=1",
                        "--verify_state_save=0");
    }

    /** 64 MiB: noise in the first of each eight, holes in between. */
    private Path sparseImage() throws IOException {
        final Path image = directory.resolve("image.img");
        final byte[] noise = new byte[1 << 20];
        final Random random = new Random(7);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE);
            for (int position = 0; position < SIZE; position += 8 << 20) {
                random.nextBytes(noise);
                file.seek(position);
                file.write(noise);
            }
        }
        return image;
    }
}
