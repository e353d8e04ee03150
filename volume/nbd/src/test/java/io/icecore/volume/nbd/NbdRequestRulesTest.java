package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class NbdRequestRulesTest {
    private static final long SIZE = 1L << 40;
    private static final NbdSession PLAIN = new NbdSession(null, false, false);
    private static final NbdSession STRUCTURED = new NbdSession(null, true, true);

    @Test
    void allowsWhatLiesWithinTheExport() {
        for (int type = Nbd.CMD_READ; type <= Nbd.CMD_BLOCK_STATUS; type++) {
            assertThat(violation(type, 0, SIZE - 4096, 4096))
                    .as("type %d", type)
                    .isNull();
            assertThat(violation(type, 0, 1, 1)).as("type %d", type).isNull();
        }
    }

    @Test
    void refusesReadsPastTheEndAsInvalidAndWritesAsOutOfSpace() {
        assertThat(violation(Nbd.CMD_READ, 0, SIZE - 4096, 4097)).isEqualTo(NbdError.OUTSIDE_EXPORT);
        assertThat(violation(Nbd.CMD_CACHE, 0, SIZE, 1)).isEqualTo(NbdError.OUTSIDE_EXPORT);
        assertThat(violation(Nbd.CMD_TRIM, 0, SIZE, 1)).isEqualTo(NbdError.OUTSIDE_EXPORT);
        assertThat(violation(Nbd.CMD_BLOCK_STATUS, 0, SIZE, 1)).isEqualTo(NbdError.OUTSIDE_EXPORT);
        assertThat(violation(Nbd.CMD_WRITE, 0, SIZE, 1)).isEqualTo(NbdError.PAST_END);
        assertThat(violation(Nbd.CMD_WRITE_ZEROES, 0, SIZE - 1, 2)).isEqualTo(NbdError.PAST_END);
    }

    @Test
    void isNotFooledByOffsetsThatOverflow() {
        assertThat(violation(Nbd.CMD_READ, 0, Long.MAX_VALUE, 4096)).isEqualTo(NbdError.OUTSIDE_EXPORT);
        assertThat(violation(Nbd.CMD_READ, 0, -4096, 4096)).isEqualTo(NbdError.OUTSIDE_EXPORT);
        assertThat(violation(Nbd.CMD_WRITE, 0, -1, 1)).isEqualTo(NbdError.PAST_END);
        assertThat(violation(Nbd.CMD_WRITE, 0, Long.MIN_VALUE, 1)).isEqualTo(NbdError.PAST_END);
    }

    @Test
    void refusesChangesOfASnapshot() {
        for (final int type : new int[] {Nbd.CMD_WRITE, Nbd.CMD_TRIM, Nbd.CMD_WRITE_ZEROES}) {
            assertThat(NbdRequestRules.violationOf(decoded(type, 0, 0, 512), SIZE, true, STRUCTURED))
                    .isEqualTo(NbdError.READ_ONLY);
        }
        assertThat(NbdRequestRules.violationOf(decoded(Nbd.CMD_READ, 0, 0, 512), SIZE, true, STRUCTURED))
                .isNull();
        assertThat(NbdRequestRules.violationOf(decoded(Nbd.CMD_FLUSH, 0, 0, 0), SIZE, true, STRUCTURED))
                .isNull();
    }

    @Test
    void takesFuaWithEveryCommandAndOtherFlagsOnlyWhereTheyBelong() {
        for (int type = Nbd.CMD_READ; type <= Nbd.CMD_BLOCK_STATUS; type++) {
            assertThat(violation(type, Nbd.CMD_FLAG_FUA, 0, 512)).isNull();
            assertThat(violation(type, 1 << 14, 0, 512)).isEqualTo(NbdError.UNKNOWN_FLAG);
            assertThat(violation(type, Nbd.CMD_FLAG_NO_HOLE, 0, 512))
                    .isEqualTo(type == Nbd.CMD_WRITE_ZEROES ? null : NbdError.UNKNOWN_FLAG);
            assertThat(violation(type, Nbd.CMD_FLAG_FAST_ZERO, 0, 512))
                    .isEqualTo(type == Nbd.CMD_WRITE_ZEROES ? null : NbdError.UNKNOWN_FLAG);
            assertThat(violation(type, Nbd.CMD_FLAG_DF, 0, 512))
                    .isEqualTo(type == Nbd.CMD_READ ? null : NbdError.UNKNOWN_FLAG);
            assertThat(violation(type, Nbd.CMD_FLAG_REQ_ONE, 0, 512))
                    .isEqualTo(type == Nbd.CMD_BLOCK_STATUS ? null : NbdError.UNKNOWN_FLAG);
        }
    }

    @Test
    void refusesDontFragmentWithoutStructuredReplies() {
        assertThat(NbdRequestRules.violationOf(decoded(Nbd.CMD_READ, Nbd.CMD_FLAG_DF, 0, 512), SIZE, false, PLAIN))
                .isEqualTo(NbdError.UNKNOWN_FLAG);
    }

    @Test
    void refusesUnknownCommands() {
        assertThat(violation(8, 0, 0, 512)).isEqualTo(NbdError.UNKNOWN_COMMAND);
        assertThat(violation(0xFFFF, 0, 0, 512)).isEqualTo(NbdError.UNKNOWN_COMMAND);
    }

    @Test
    void limitsTheLengthOfReadsButNotOfRequestsWithoutData() {
        assertThat(violation(Nbd.CMD_READ, 0, 0, 32 << 20)).isNull();
        assertThat(violation(Nbd.CMD_READ, 0, 0, (32 << 20) + 1)).isEqualTo(NbdError.READ_TOO_LONG_STRUCTURED);
        assertThat(NbdRequestRules.violationOf(decoded(Nbd.CMD_READ, 0, 0, (32 << 20) + 1), SIZE, false, PLAIN))
                .isEqualTo(NbdError.READ_TOO_LONG);
        assertThat(violation(Nbd.CMD_WRITE_ZEROES, 0, 0, -1)).isNull();
        assertThat(violation(Nbd.CMD_TRIM, 0, 0, -1)).isNull();
        assertThat(violation(Nbd.CMD_BLOCK_STATUS, 0, 0, -1)).isNull();
    }

    @Test
    void asksForAContextAndARangeBeforeReportingBlockStatus() {
        final NbdSession withoutContext = new NbdSession(null, true, false);
        assertThat(NbdRequestRules.violationOf(decoded(Nbd.CMD_BLOCK_STATUS, 0, 0, 512), SIZE, false, withoutContext))
                .isEqualTo(NbdError.NO_META_CONTEXT);
        assertThat(violation(Nbd.CMD_BLOCK_STATUS, 0, 0, 0)).isEqualTo(NbdError.EMPTY_RANGE);
    }

    @Test
    void flushesWhateverRangeTheClientNames() {
        assertThat(violation(Nbd.CMD_FLUSH, 0, SIZE, 4096)).isNull();
    }

    private static NbdError violation(final int type, final int flags, final long offset, final int length) {
        return NbdRequestRules.violationOf(decoded(type, flags, offset, length), SIZE, false, STRUCTURED);
    }

    private static NbdRequestDecoder decoded(final int type, final int flags, final long offset, final int length) {
        final ByteBuffer header = RawNbdClient.request(type, flags, 1, offset, length, new byte[0]);
        final NbdRequestDecoder decoder = new NbdRequestDecoder();
        assertThat(decoder.decode(header.flip())).isTrue();
        return decoder;
    }
}
