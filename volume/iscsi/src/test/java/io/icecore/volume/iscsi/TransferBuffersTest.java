package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TransferBuffersTest {
    private final TransferBuffers buffers = new TransferBuffers(1 << 20);

    @Test
    void roundsUpToAPowerOfTwo() {
        assertThat(buffers.take(1).length()).isEqualTo(4096);
        assertThat(buffers.take(4097).length()).isEqualTo(8192);
        assertThat(buffers.take(65_536).length()).isEqualTo(65_536);
    }

    @Test
    void givesLargeOnesUpToTheBudgetAndSmallOnesBeyond() {
        final TransferBuffer whole = buffers.take(1 << 20);
        assertThat(whole).isNotNull();
        assertThat(buffers.take(65_537)).isNull();
        assertThat(buffers.take(65_536)).isNotNull();
        buffers.giveBack(whole);
        assertThat(buffers.largeBytes()).isZero();
        assertThat(buffers.take(1 << 20)).isSameAs(whole);
    }

    @Test
    void takesNothingOutOfItsBudgetWhenTheProcessHasNoMemory() {
        final TransferBuffers poor = new TransferBuffers(8 << 20, length -> {
            throw new OutOfMemoryError("none left");
        });
        for (int i = 0; i < 10; i++) {
            assertThatThrownBy(() -> poor.take(1 << 20)).isInstanceOf(OutOfMemoryError.class);
        }
        assertThat(poor.largeBytes()).isZero();
    }
}
