package io.icecore.cli;

import io.icecore.cli.daemon.ListenAddress;
import io.icecore.volume.iscsi.ChapSecrets;
import io.icecore.volume.iscsi.IscsiAccess;
import io.icecore.volume.iscsi.IscsiOptions;
import io.icecore.volume.iscsi.scsi.Geometry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import picocli.CommandLine.Option;

/** Options of {@code serve} that say where, how and to whom iSCSI is offered. */
final class IscsiServing {
    @Option(
            names = "--iscsi",
            paramLabel = "ADDR",
            arity = "0..1",
            fallbackValue = "127.0.0.1:3260",
            description =
                    "Offer iSCSI on host:port; without one on 127.0.0.1:3260. May be given several times. One target "
                            + "a volume, iqn.2026-11.io.icecore:LABEL.VOLUME, and a snapshot, ....VOLUME.at.SNAPSHOT. Without "
                            + "secrets and a list of initiators only this machine is served.")
    private List<String> addresses = new ArrayList<>();

    @Option(
            names = "--iscsi-secrets",
            paramLabel = "FILE",
            description =
                    "CHAP: a file that only its owner may read (mode 0600), with lines \"initiator NAME SECRET\" for "
                            + "those who may log in and at most one \"target NAME SECRET\", which the target proves in turn.")
    private Path secrets;

    @Option(
            names = "--iscsi-initiators",
            paramLabel = "IQN",
            split = ",",
            description = "Names of the initiators that may log in, separated by commas. May be given several times.")
    private List<String> initiators = new ArrayList<>();

    @Option(
            names = "--iscsi-snapshots",
            paramLabel = "N",
            description =
                    "Snapshots of each volume that discovery lists, newest first; the others can be logged in to as "
                            + "well. Default: ${DEFAULT-VALUE}.")
    private int discoveredSnapshots = IscsiOptions.Limits.DEFAULT.discoveredSnapshotsMax();

    @Option(
            names = "--iscsi-block-size",
            paramLabel = "BYTES",
            description = "Logical block: 512 or 4096. Default: ${DEFAULT-VALUE}.")
    private int blockLength = 512;

    List<ListenAddress> addresses(final Path directory) {
        return addresses.stream()
                .map(address -> ListenAddress.parse(address, directory))
                .toList();
    }

    IscsiOptions options(final Console console) throws IOException {
        final IscsiOptions.Limits limits = IscsiOptions.Limits.DEFAULT;
        return IscsiOptions.DEFAULT
                .withAccess(access(console))
                .withGeometry(new Geometry(blockLength))
                .withLimits(
                        new IscsiOptions.Limits(discoveredSnapshots, limits.sessionsMax(), limits.sessionBytesMax()));
    }

    private IscsiAccess access(final Console console) throws IOException {
        final ChapSecrets chap =
                secrets == null ? ChapSecrets.NONE : ChapSecrets.read(console.resolve(secrets.toString()));
        return new IscsiAccess(new HashSet<>(initiators), chap.initiators(), chap.target());
    }
}
