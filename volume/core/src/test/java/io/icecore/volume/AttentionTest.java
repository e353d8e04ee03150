package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AttentionTest {
    private static final long SOON = 50_000;
    private static final long LATE = 50_000_000;

    private final Attention attention = new Attention();
    private long now = -LATE; // A clock of nanoseconds may begin anywhere.

    @Test
    void aNewClientIsAwaitedAsleep() {
        assertThat(attention.staysAwake(now)).isFalse();
    }

    @Test
    void aClientThatComesBackSoonIsAwaitedAwake() {
        waits(SOON, 30);

        assertThat(attention.staysAwake(now)).isTrue();
        assertThat(attention.staysAwake(now + SOON)).isTrue();
    }

    @Test
    void butNoLongerThanItUsuallyTakes() {
        waits(SOON, 30);
        attention.staysAwake(now);

        assertThat(attention.staysAwake(now + LATE)).isFalse();
    }

    @Test
    void aClientThatThinksIsAwaitedAsleepAgain() {
        waits(SOON, 30);
        waits(LATE, 2);

        assertThat(attention.staysAwake(now)).isFalse();
    }

    @Test
    void onePauseDoesNotSpoilAllThatCameBefore() {
        waits(SOON, 30);
        waits(LATE, 1);
        waits(SOON, 1);

        assertThat(attention.staysAwake(now)).isTrue();
    }

    @Test
    void whatIsThereAlreadyIsNoWait() {
        waits(LATE, 5);
        for (int i = 0; i < 100; i++) {
            attention.heard(now);
        }

        assertThat(attention.staysAwake(now)).isFalse();
    }

    private void waits(final long nanos, final int times) {
        for (int i = 0; i < times; i++) {
            attention.staysAwake(now);
            now += nanos;
            attention.heard(now);
        }
    }
}
