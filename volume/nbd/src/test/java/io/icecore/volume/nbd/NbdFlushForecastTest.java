package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NbdFlushForecastTest {
    private final NbdFlushForecast forecast = new NbdFlushForecast();

    private void flushAfter(final int writes) {
        for (int i = 0; i < writes; i++) {
            forecast.written();
        }
        forecast.flushed();
    }

    @Test
    void saysNothingOfAClientThatItHardlyKnows() {
        flushAfter(1);
        flushAfter(1);
        forecast.written();
        assertThat(forecast.takeDue()).isFalse();
    }

    @Test
    void foretellsTheFlushOfAClientThatFlushesAfterEveryThirdWrite() {
        for (int i = 0; i < 6; i++) {
            flushAfter(3);
        }
        forecast.written();
        forecast.written();
        assertThat(forecast.takeDue()).isFalse();
        forecast.written();
        assertThat(forecast.takeDue()).isTrue();
    }

    @Test
    void fallsSilentWhenItIsWrong() {
        for (int i = 0; i < 6; i++) {
            flushAfter(1);
        }
        flushAfter(2);
        forecast.written();
        assertThat(forecast.takeDue()).isFalse();
    }

    @Test
    void foretellsAFlushOnce() {
        for (int i = 0; i < 6; i++) {
            flushAfter(1);
        }
        forecast.written();
        assertThat(forecast.takeDue()).isTrue();
        assertThat(forecast.takeDue()).isFalse();
    }

    @Test
    void keepsQuietBeforeTheFirstWrite() {
        for (int i = 0; i < 6; i++) {
            flushAfter(0);
        }
        assertThat(forecast.takeDue()).isFalse();
    }
}
