package io.icecore.cli;

import io.icecore.cli.control.CommandExecutor;
import io.icecore.cli.daemon.Daemon;
import io.icecore.cli.daemon.DaemonOptions;
import io.icecore.cli.daemon.ListenAddress;
import io.icecore.store.device.IoMode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        description = "Serves the volumes and snapshots of a store until it is told to stop (SIGTERM or SIGINT), takes "
                + "rolling snapshots, and gives the space of deleted ones back. Prints one line when it is ready.",
        footer = {
            "",
            "Example:",
            "  icecore serve --store /srv/ice.store --nbd 127.0.0.1:10809",
            "  nbdinfo nbd://127.0.0.1:10809/vm1",
            "  icecore serve --store /srv/ice.store --iscsi 0.0.0.0:3260 --iscsi-secrets /etc/icecore.secrets",
            "  iscsi-ls -s iscsi://NAME%%SECRET@192.0.2.1:3260"
        })
final class ServeCommand extends ConsoleCommand {
    @Option(
            names = {"-s", "--store"},
            paramLabel = "PATH",
            description = "The store: a file or a block device. Default: the variable ICECORE_STORE.")
    private String store;

    @Option(
            names = "--nbd",
            paramLabel = "ADDR",
            description = "Offer NBD on host:port or unix:PATH. May be given several times. Default: unix:STORE.nbd.")
    private List<String> nbd = new ArrayList<>();

    @Mixin
    private IscsiServing iscsi = new IscsiServing();

    @Option(
            names = "--io",
            paramLabel = "MODE",
            description =
                    "How the store is read and written. auto: long writes past the page cache, all else through it. "
                            + "buffered: all through it. direct: all past it, so that it takes none of the memory that other "
                            + "programs need. Default: auto, the fastest.")
    private String io = "auto";

    @Option(names = "--http", paramLabel = "ADDR", hidden = true)
    private List<String> http = new ArrayList<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!http.isEmpty()) {
            throw new CommandException(ExitCode.FAILED, "not built yet: serve --http");
        }
        final StoreLocation location = invocation().session().locate(store);
        stopOnBug();
        try (Interruption interruption = new Interruption(console(), Long.MAX_VALUE);
                Daemon running = new Daemon(
                        options(location),
                        console().clock(),
                        daemon -> executorFor(daemon, console().clock()))) {
            console().out().println("serving " + location + " on " + String.join(" and ", running.listening()));
            console().out().flush();
            console().awaitAbandoned();
            interruption.endsInOrder();
        }
        return ExitCode.DONE;
    }

    private DaemonOptions options(final StoreLocation location) throws IOException {
        return new DaemonOptions(
                location.path(),
                IoMode.parse(io),
                location.controlSocket(),
                addresses(location),
                iscsi.addresses(console().resolve(".")),
                iscsi.options(console()));
    }

    private List<ListenAddress> addresses(final StoreLocation location) {
        if (nbd.isEmpty()) {
            return List.of(ListenAddress.unix(location.nbdSocket()));
        }
        final Path directory = console().resolve(".");
        return nbd.stream()
                .map(address -> ListenAddress.parse(address, directory))
                .toList();
    }

    /** Executes what clients typed, on the live store of this daemon. */
    static CommandExecutor executorFor(final Daemon daemon, final Clock clock) {
        return (request, streams) -> {
            final Console client = Console.ofClient(request, streams, clock);
            return new Program(client, new DaemonSession(daemon)).run(request.arguments());
        };
    }

    /** An error that nobody caught is a bug of ours: stop before it can be committed. The last commit is safe. */
    private static void stopOnBug() {
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            LoggerFactory.getLogger(ServeCommand.class).error("bug: stopping: thread={}", thread.getName(), error);
            if (error instanceof Error) {
                Runtime.getRuntime().halt(ExitCode.FAILED);
            }
        });
    }
}
