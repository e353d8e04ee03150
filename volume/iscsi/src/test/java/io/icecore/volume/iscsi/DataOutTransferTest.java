package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.volume.iscsi.DataOutTransfer.Request;
import io.icecore.volume.iscsi.DataOutTransfer.SequenceException;
import org.junit.jupiter.api.Test;

/** What is sent unasked and what is asked for, by RFC 7143 sections 4.2.5.2, 11.7 and 11.8. */
class DataOutTransferTest {
    private static final int NO_TAG = 0xffff_ffff;

    private final SessionParameters parameters = new SessionParameters();

    private DataOutTransfer transfer(final int needed, final int expected, final int immediate, final boolean more) {
        parameters.maxBurstLength = 1000;
        parameters.firstBurstLength = 600;
        parameters.maxOutstandingR2t = 2;
        return new DataOutTransfer(parameters, needed, expected, immediate, more);
    }

    @Test
    void needsNothingMoreWhenAllCameWithTheCommand() {
        final DataOutTransfer transfer = transfer(512, 512, 512, false);
        assertThat(transfer.complete()).isTrue();
        assertThat(transfer.next(1)).isNull();
    }

    @Test
    void asksForBurstsNoMoreAtOnceThanAgreed() throws SequenceException {
        final DataOutTransfer transfer = transfer(2500, 2500, 100, false);
        assertThat(transfer.next(1)).isEqualTo(new Request(1, 0, 100, 1000));
        assertThat(transfer.next(2)).isEqualTo(new Request(2, 1, 1100, 1000));
        assertThat(transfer.next(3)).isNull();
        transfer.onData(1, 0, 100, 400, false);
        transfer.onData(1, 1, 500, 600, true);
        assertThat(transfer.next(3)).isEqualTo(new Request(3, 2, 2100, 400));
        transfer.onData(2, 0, 1100, 1000, true);
        assertThat(transfer.complete()).isFalse();
        transfer.onData(3, 0, 2100, 400, true);
        assertThat(transfer.complete()).isTrue();
    }

    @Test
    void asksForNothingWhileTheInitiatorSendsUnasked() throws SequenceException {
        final DataOutTransfer transfer = transfer(2000, 2000, 100, true);
        assertThat(transfer.next(1)).isNull();
        transfer.onData(NO_TAG, 0, 100, 500, true);
        assertThat(transfer.next(1)).isEqualTo(new Request(1, 0, 600, 1000));
    }

    @Test
    void takesMoreThanIsNeededAndDoesNotAskForIt() throws SequenceException {
        final DataOutTransfer transfer = transfer(512, 4096, 0, true);
        transfer.onData(NO_TAG, 0, 0, 600, true);
        assertThat(transfer.complete()).isTrue();
        assertThat(transfer.next(1)).isNull();
    }

    @Test
    void refusesWhatWasNotExpected() throws SequenceException {
        assertWrong(transfer(2000, 2000, 0, false), NO_TAG, 0, 0, 100, true); // Not announced.
        assertWrong(transfer(2000, 2000, 0, true), NO_TAG, 1, 0, 100, true); // DataSN
        assertWrong(transfer(2000, 2000, 0, true), NO_TAG, 0, 8, 100, true); // Offset
        assertWrong(transfer(2000, 2000, 0, true), NO_TAG, 0, 0, 601, true); // FirstBurstLength
        assertWrong(transfer(2000, 2000, 0, false), 1, 0, 0, 100, true); // Never asked for.
        assertWrong(asked(), 1, 0, 0, 1001, true); // More than asked for.
        assertWrong(asked(), 1, 0, 0, 500, true); // Ends too early.
        assertWrong(asked(), 1, 0, 0, 1000, false); // Does not end.
        assertWrong(asked(), 2, 0, 1000, 1000, true); // Out of order.
        assertWrong(asked(), 1, 0, -1, 1000, true);
    }

    private DataOutTransfer asked() {
        final DataOutTransfer transfer = transfer(2000, 2000, 0, false);
        transfer.next(1);
        transfer.next(2);
        return transfer;
    }

    private static void assertWrong(
            final DataOutTransfer transfer,
            final int tag,
            final int dataSn,
            final int offset,
            final int length,
            final boolean last) {
        assertThatThrownBy(() -> transfer.onData(tag, dataSn, offset, length, last))
                .isInstanceOf(SequenceException.class);
    }
}
