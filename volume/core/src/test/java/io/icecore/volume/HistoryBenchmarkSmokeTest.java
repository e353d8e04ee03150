package io.icecore.volume;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/** That the benchmark runs; nothing is asserted about how long anything takes. */
class HistoryBenchmarkSmokeTest {
    @Test
    void runsWithSmallNumbers() throws IOException {
        new HistoryBenchmark().run(0, null);
    }
}
