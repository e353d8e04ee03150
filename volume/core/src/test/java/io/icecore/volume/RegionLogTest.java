package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RegionLogTest {
    private final RegionLog log = new RegionLog();

    @Test
    void joinsRunsThatTouch() {
        log.add(1, 10, 20);
        log.add(1, 30, 40);
        log.add(2, 20, 30);
        assertThat(log.runCount()).isEqualTo(3);

        log.add(1, 20, 30);

        log.forEach(1, (branch, from, end) -> assertThat(end - from).isEqualTo(30));
        assertThat(log.runCount()).isEqualTo(2);
        log.remove(1);
        assertThat(log.runCount()).isEqualTo(1);
    }

    @Test
    void agreesWithASetOfBits() {
        final SplittableRandom random = new SplittableRandom(3);
        final BitSet expected = new BitSet();
        for (int i = 0; i < 2000; i++) {
            final int from = random.nextInt(5000);
            final int end = from + 1 + random.nextInt(10);
            log.add(1, from, end);
            expected.set(from, end);
            if (i % 100 == 0) {
                final BitSet found = new BitSet();
                final int[] runs = {0};
                final long[] last = {-1};
                log.forEach((branch, start, stop) -> {
                    assertThat(start).as("a gap between runs").isGreaterThan(last[0]);
                    last[0] = stop;
                    found.set((int) start, (int) stop);
                    runs[0]++;
                });
                assertThat(found).isEqualTo(expected);
                assertThat(log.runCount()).isEqualTo(runs[0]);
            }
        }
    }
}
