package io.icecore.cli;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.check.CheckProgress;
import io.icecore.recovery.scrub.DamagedChunk;
import io.icecore.recovery.scrub.Scrub;
import io.icecore.recovery.scrub.ScrubReport;
import io.icecore.recovery.scrub.ScrubState;
import io.icecore.store.device.BlockDevice;
import io.icecore.volume.ByteSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        description = "Checks the structure as check does, then reads all data that a volume or a snapshot sees and "
                + "verifies its checksums. Online and throttled; one that was stopped goes on where it was.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:all data is what was written", "6:damage found, one finding a line", "1:not finished"},
        footer = {
            "",
            "How far it has come is kept in PATH.scrub beside the store; status shows it.",
            "",
            "Example:",
            "  icecore scrub --rate 100M --store /srv/ice.store"
        })
final class ScrubCommand extends DeviceCommand {
    private static final long CLEAN_UP_MILLIS_MAX = 10_000;
    private static final String UNLIMITED = "max";
    private static final long SAVE_NANOS = TimeUnit.SECONDS.toNanos(2);

    @Option(
            names = "--rate",
            paramLabel = "SIZE",
            description = "Bytes to read in a second, or max. Default: ${DEFAULT-VALUE}.",
            defaultValue = "64M")
    private String rate;

    @Option(names = "--restart", description = "Begin anew, though one that was stopped could go on.")
    private boolean restart;

    private Progress progress;

    @Override
    int run(final BlockDevice device) {
        final Interruption interruption = new Interruption(console(), CLEAN_UP_MILLIS_MAX);
        try {
            return run(
                    ScrubState.fileOf(location().path()),
                    new Scrub(device, console().clock(), bytesPerSecond(), this::reading));
        } catch (final IOException ex) {
            throw new UncheckedIOException(ex);
        } finally {
            interruption.close();
        }
    }

    private Scrub.Reading reading() {
        final DaemonReading daemon = DaemonReading.begin(console(), location());
        return new Scrub.Reading() {
            @Override
            public boolean undisturbed() {
                return daemon.undisturbed();
            }

            @Override
            public void close() {
                daemon.close();
            }
        };
    }

    private long bytesPerSecond() {
        return rate.equals(UNLIMITED) ? 0 : ByteSize.parsePositive(rate);
    }

    private int run(final Path file, final Scrub scrub) throws IOException {
        final ScrubState before = restart ? null : ScrubState.load(file);
        if (scrub.resume(before) && !json()) {
            console().err().println(String.format("going on at %.0f %%", 100 * before.share()));
        }
        final Saving saving = new Saving(file);
        final ScrubReport report;
        try {
            report = scrub.run(structure(), data(scrub.state().chunksRead()), saving);
        } finally {
            close();
            saving.save(scrub.state());
        }
        print(report);
        return report.ok() ? ExitCode.DONE : ExitCode.DAMAGE;
    }

    private CheckProgress structure() {
        return (accounted, total) -> {
            console().requireWanted();
            if (progress == null) {
                progress = new Progress(console(), "checking", total * BLOCK_LENGTH);
            }
            progress.update(accounted * BLOCK_LENGTH);
        };
    }

    private Scrub.Progress data(final long readBefore) {
        final boolean[] begun = {false};
        return (read, total) -> {
            console().requireWanted();
            if (!begun[0]) {
                close();
                progress = new Progress(console(), "scrubbing", total * BLOCK_LENGTH, readBefore * BLOCK_LENGTH);
                begun[0] = true;
            }
            progress.update(read * BLOCK_LENGTH);
        };
    }

    private void close() {
        if (progress != null) {
            progress.close();
            progress = null;
        }
    }

    private void print(final ScrubReport report) {
        if (json()) {
            console().out().println(json(report));
            return;
        }
        report.errors().forEach(console().out()::println);
        final String read = ByteSize.format(report.chunksRead() * BLOCK_LENGTH) + " of data read";
        console()
                .out()
                .println(
                        report.ok()
                                ? "sound: " + read + ", every chunk is what was written"
                                : "damaged: " + read + ", "
                                        + Words.count(report.errors().size(), "finding"));
    }

    private static Json json(final ScrubReport report) {
        final List<Json> errors = new ArrayList<>();
        report.structure().errors().forEach(finding -> errors.add(CheckCommand.json(finding)));
        report.damage().forEach(chunk -> errors.add(json(chunk)));
        return CheckCommand.json(report.structure(), report.ok(), report.chunksRead(), errors);
    }

    private static Json json(final DamagedChunk chunk) {
        return CheckCommand.json(chunk.finding())
                .with("block", chunk.block())
                .with("volume", chunk.sight().volume())
                .with("offset", chunk.chunk() * BLOCK_LENGTH)
                .with("length", BLOCK_LENGTH)
                .with("firstSnapshot", chunk.sight().firstSnapshot())
                .with("lastSnapshot", chunk.sight().lastSnapshot())
                .with("head", chunk.sight().head())
                .with("expected", String.format("%08x", chunk.expected()))
                .with("found", chunk.found() == null ? null : String.format("%08x", chunk.found()));
    }

    /** Keeps the state beside the store. Where that cannot be written a scrub still runs; it only cannot go on later. */
    private final class Saving implements Consumer<ScrubState> {
        private final Path file;
        private long savedNanos = System.nanoTime();
        private boolean failed;

        Saving(final Path file) {
            this.file = file;
        }

        @Override
        public void accept(final ScrubState state) {
            if (state.ended() != null || System.nanoTime() - savedNanos > SAVE_NANOS) {
                save(state);
            }
        }

        void save(final ScrubState state) {
            savedNanos = System.nanoTime();
            try {
                state.save(file);
            } catch (final IOException ex) {
                if (!failed) {
                    console()
                            .err()
                            .println("icecore: cannot be written, so a scrub that is stopped begins anew: " + file);
                }
                failed = true;
            }
        }
    }
}
