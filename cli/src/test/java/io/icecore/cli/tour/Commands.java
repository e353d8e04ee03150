package io.icecore.cli.tour;

import io.icecore.cli.control.ControlClient;
import io.icecore.cli.control.ControlRequest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Commands for a running daemon, from this process: hundreds of them would take minutes in processes of their own. */
record Commands(Path controlSocket) {
    /** Of the daemon that serves this store. */
    static Commands of(final Path store) {
        return new Commands(store.resolveSibling(store.getFileName() + ".sock"));
    }

    /** Has the daemon run a command, which must end with 0, and returns what it prints. */
    String run(final String... arguments) throws IOException {
        try (ControlClient control = ControlClient.connect(controlSocket)) {
            if (control == null) {
                throw new IOException("no daemon");
            }
            final ByteArrayOutputStream out = new ByteArrayOutputStream();
            final ByteArrayOutputStream err = new ByteArrayOutputStream();
            final int code = control.run(
                    new ControlRequest(List.of(arguments), "/", "UTC", 0, false, false, false),
                    new ByteArrayInputStream(new byte[0]),
                    out,
                    err);
            if (code != 0) {
                throw new AssertionError(String.join(" ", arguments) + ": exit code " + code + ": "
                        + err.toString(StandardCharsets.UTF_8));
            }
            return out.toString(StandardCharsets.UTF_8);
        }
    }
}
