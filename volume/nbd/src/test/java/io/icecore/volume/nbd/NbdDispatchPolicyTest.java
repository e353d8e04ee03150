package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.volume.IoRequest.Op;
import org.junit.jupiter.api.Test;

class NbdDispatchPolicyTest {
    private final NbdDispatchPolicy policy = new NbdDispatchPolicy();

    @Test
    void executesAtOnceWhatIsAlone() {
        assertThat(policy.inline(Op.FLUSH, false, 0, true)).isTrue();
        assertThat(policy.inline(Op.WRITE, true, 1 << 20, true)).isTrue();
    }

    @Test
    void neverMakesOthersWaitForACommit() {
        assertThat(policy.inline(Op.FLUSH, false, 0, false)).isFalse();
        assertThat(policy.inline(Op.WRITE, true, 4096, false)).isFalse();
    }

    @Test
    void handsOverReadsOnceTheyHaveBecomeSlow() {
        assertThat(policy.inline(Op.READ, false, 4096, false)).isTrue();
        for (int i = 0; i < 20; i++) {
            policy.executed(Op.READ, 100_000);
        }
        assertThat(policy.inline(Op.READ, false, 4096, false)).isFalse();
        assertThat(policy.inline(Op.WRITE, false, 4096, false))
                .as("each on its own")
                .isTrue();
    }

    @Test
    void carriesOutLongWritesItselfForAClientThatWaitsForEach() {
        int handedOver = 0;
        for (int i = 0; i < 160; i++) {
            handedOver += policy.inlineLongWrite(false) ? 0 : 1;
        }
        assertThat(handedOver).as("now and then, to see").isEqualTo(10);
    }

    @Test
    void handsLongWritesOverForAClientThatSendsAhead() {
        boolean inFlight = false;
        int handedOver = 0;
        for (int i = 0; i < 100; i++) {
            inFlight = !policy.inlineLongWrite(inFlight);
            handedOver += inFlight ? 1 : 0;
        }
        assertThat(handedOver).isGreaterThan(80);

        policy.inlineLongWrite(false);
        assertThat(policy.inlineLongWrite(false)).as("it has come to wait").isTrue();
    }

    @Test
    void noticesThatTheyHaveBecomeCheapAgain() {
        for (int i = 0; i < 20; i++) {
            policy.executed(Op.READ, 100_000);
        }
        int asked = 0;
        while (asked < 1000 && policyHandsOverReads()) {
            asked++;
        }
        assertThat(asked).isBetween(1, 500);
    }

    @Test
    void looksRarelyAtWhatStaysSlow() {
        for (int i = 0; i < 20; i++) {
            policy.executed(Op.READ, 100_000);
        }
        int probes = 0;
        for (int i = 0; i < 20_000; i++) {
            if (policy.inline(Op.READ, false, 4096, false)) {
                policy.executed(Op.READ, 100_000);
                probes++;
            }
        }
        assertThat(probes).isBetween(15, 30);
    }

    @Test
    void forgivesOneStall() {
        for (int i = 0; i < 20; i++) {
            policy.executed(Op.READ, 3_000);
        }
        policy.executed(Op.READ, 50_000);
        assertThat(policy.inline(Op.READ, false, 4096, false)).isTrue();
    }

    /** Sixteen requests; those executed at once take 2 us. */
    private boolean policyHandsOverReads() {
        int handedOver = 0;
        for (int i = 0; i < 16; i++) {
            if (policy.inline(Op.READ, false, 4096, false)) {
                policy.executed(Op.READ, 2_000);
            } else {
                handedOver++;
            }
        }
        return handedOver > 0;
    }
}
