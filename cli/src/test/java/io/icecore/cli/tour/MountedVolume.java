package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/**
 * A volume as a disk of this machine: nbdfuse shows the export as a file, a loop device makes a disk of it, and the kernel
 * mounts the file system that is on it. Needs root. When the daemon dies nbdfuse does not connect again: detach, and attach
 * anew.
 */
final class MountedVolume {
    private final Path folder;
    private final Path fuse;
    private final Path mount;
    private Process nbdfuse;
    private String loop;

    /** @param folder of its own, for two mount points */
    MountedVolume(final Path folder) throws IOException {
        this.folder = folder;
        fuse = Files.createDirectories(folder.resolve("fuse"));
        mount = Files.createDirectories(folder.resolve("mnt"));
    }

    /** Skips the test, loudly, where nothing can be mounted; where {@code CI=true} it fails. */
    static void requireRights() throws Exception {
        for (final String tool : new String[] {"nbdfuse", "losetup", "mount", "umount"}) {
            ExternalTool.require(tool);
        }
        if (ExternalTool.require("id").run("-u").output().strip().equals("0") && Files.exists(Path.of("/dev/fuse"))) {
            return;
        }
        final String message = "no right to mount: a real file system on a volume was NOT tried";
        assertThat(System.getenv("CI")).as(message).isNotEqualTo("true");
        System.err.println("SKIPPED: " + message);
        Assumptions.abort(message);
    }

    Path path() {
        return mount;
    }

    void attach(final Path socket, final String export) throws Exception {
        final Path pid = folder.resolve("nbdfuse.pid");
        Files.deleteIfExists(pid);
        nbdfuse = ExternalTool.require("nbdfuse")
                .start(
                        folder.resolve("nbdfuse.out"),
                        "-P",
                        pid.toString(),
                        fuse.resolve("nbd").toString(),
                        "nbd+unix:///" + export + "?socket=" + socket);
        for (int attempt = 0; !Files.exists(pid); attempt++) {
            assertThat(nbdfuse.isAlive() && attempt < 3000)
                    .as("nbdfuse is ready")
                    .isTrue();
            Thread.sleep(10);
        }
        final ExternalTool.Result attached = ExternalTool.require("losetup")
                .run("-f", "--show", "--direct-io=on", fuse.resolve("nbd").toString());
        assertThat(attached.exitCode()).as(attached.output()).isZero();
        loop = attached.output().strip();
        ExternalTool.require("mount").runSuccessfully(loop, mount.toString());
    }

    /** Everything is on the volume and flushed. */
    void unmount() throws Exception {
        ExternalTool.require("umount").runSuccessfully(mount.toString());
        detach();
    }

    /** Whatever state it is in; the daemon may be gone. Not a clean unmount. */
    void detach() throws Exception {
        ExternalTool.require("umount").run("-l", mount.toString());
        if (loop != null) {
            ExternalTool.require("losetup").run("-d", loop);
            loop = null;
        }
        ExternalTool.require("umount").run("-l", fuse.resolve("nbd").toString());
        ExternalTool.require("umount").run("-l", fuse.toString());
        if (nbdfuse != null) {
            nbdfuse.destroyForcibly().waitFor();
            nbdfuse = null;
        }
    }
}
