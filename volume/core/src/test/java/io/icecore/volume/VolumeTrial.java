package io.icecore.volume;

/** What mutants of the volume layer are put to: the model or power losses. Returns how they were caught, or null. */
final class VolumeTrial {
    private static final int MODEL_SEEDS = 6;
    private static final int CRASH_SEEDS = 3;

    private VolumeTrial() {}

    static String model() {
        for (long seed = 1; seed <= MODEL_SEEDS; seed++) {
            for (final boolean branches : new boolean[] {true, false}) {
                try {
                    VolumeModelTest.run(seed, branches);
                } catch (final RuntimeException | AssertionError ex) {
                    return "VolumeModelTest: " + firstLine(ex);
                }
            }
        }
        return null;
    }

    /** For faults that nobody sees as long as the power stays on. */
    static String crash() {
        for (long seed = 1; seed <= CRASH_SEEDS; seed++) {
            final SnapshotCrashSearch search = new SnapshotCrashSearch();
            try {
                search.run("mutant", seed, 1, SnapshotCrashTest.work(seed == 1 ? "tour" : "random"));
            } catch (final RuntimeException | AssertionError ex) {
                return "SnapshotCrashTest: " + firstLine(ex);
            }
        }
        return null;
    }

    private static String firstLine(final Throwable failure) {
        Throwable deepest = failure;
        while (deepest.getCause() != null) {
            deepest = deepest.getCause();
        }
        return String.valueOf(deepest.getMessage()).strip().lines().findFirst().orElse(deepest.toString());
    }
}
