package io.icecore.cli;

import io.icecore.volume.StorePolicy;
import io.icecore.volume.WhenFull;
import picocli.CommandLine.Option;

/** The options that say what a store does about its space. */
final class StorePolicyOptions {
    @Option(
            names = "--when-full",
            paramLabel = "POLICY",
            description = "What becomes of writes when the store is full. error: they fail. wait: they wait until "
                    + "something is deleted or the store grows. expire: the oldest rolling snapshots without holds go, "
                    + "beyond the newest that --keep-last protects; writes fail when there are none left.")
    private String whenFull;

    @Option(
            names = "--keep-free",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "With expire: snapshots go as soon as less than this is free. Default, and 0: a fiftieth of "
                    + "the store.")
    private Long keepFree;

    boolean given() {
        return whenFull != null || keepFree != null;
    }

    /** What is not given stays as it is. */
    StorePolicy change(final StorePolicy present) {
        final WhenFull action = whenFull == null ? present.whenFull() : WhenFull.parse(whenFull);
        if (keepFree != null && action != WhenFull.EXPIRE) {
            throw new CommandException(ExitCode.USAGE, "--keep-free means nothing with --when-full " + action.word());
        }
        return new StorePolicy(action, keepFree == null ? present.keepFreeBytes() : keepFree);
    }
}
