package io.icecore.cli;

import io.icecore.recovery.point.RollingPolicy;
import picocli.CommandLine.Option;

/** The options that make a policy. */
final class PolicyOptions {
    @Option(names = "--every", paramLabel = "SPAN", description = "Take a snapshot this often: 5m, 1h.")
    private String every;

    @Option(
            names = "--keep",
            paramLabel = "STEPS",
            description = "What to keep: 24h:all,7d:1h,30d:1d keeps all for 24 hours, then one an hour up to 7 days, "
                    + "then one a day up to 30 days. Older ones go.")
    private String keep = "";

    @Option(names = "--keep-last", paramLabel = "N", description = "Keep at least this many, whatever their age.")
    private int keepLast;

    boolean given() {
        return every != null || !keep.isEmpty() || keepLast != 0;
    }

    RollingPolicy policy() {
        if (every == null) {
            throw new CommandException(ExitCode.USAGE, "missing required option: --every");
        }
        return RollingPolicy.parse(every, keep, keepLast);
    }
}
