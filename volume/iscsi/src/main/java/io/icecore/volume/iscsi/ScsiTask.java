package io.icecore.volume.iscsi;

import io.icecore.volume.IoRequest;
import io.icecore.volume.iscsi.scsi.Plan;
import io.icecore.volume.iscsi.scsi.ScsiException;
import java.util.ArrayList;
import java.util.List;

/**
 * One SCSI command of a session, from its PDU to its status.
 *
 * <pre>
 *   COLLECTING --all data is here--> READY --its turn--> EXECUTING --> ENDED
 *        |                             |                     |
 *        +-----------aborted-----------+--> ENDED            +--aborted: ends without an answer
 * </pre>
 *
 * <p>The state and the fields marked so are guarded by the session ({@link SessionTasks}); the rest belongs to
 * whichever thread the state says.
 */
final class ScsiTask extends IoRequest {
    enum State {
        /** Data is missing, or the memory for it. */
        COLLECTING,
        /** Waits for earlier ordered commands. */
        READY,
        /** With the volume: will end by itself and cannot be stopped. */
        EXECUTING,
        ENDED
    }

    /** Task attributes (RFC 7143 section 11.3.1). */
    static final int ATTRIBUTE_ORDERED = 2;

    static final int ATTRIBUTE_HEAD_OF_QUEUE = 3;

    private static final int READ = 0x40;
    private static final int WRITE = 0x20;
    private static final int ATTRIBUTE_MASK = 0x07;

    final SessionTasks session;
    final int tag;
    final int flags;
    /** Bytes that the initiator expects to move: Expected Data Transfer Length. */
    final int expectedLength;
    /** Not counted in the command window. */
    final boolean immediate;

    /** Null when the command was refused. */
    Plan plan;
    /** Null while nothing is wrong. */
    ScsiException failure;
    /** Null for commands without data. */
    DataOutTransfer transfer;
    /** Bytes of data-out that the command works with. */
    int neededLength;
    /** Null until there is memory, and for commands that need none. */
    TransferBuffer memory;
    /** {@link #memory} is large enough for all; until then it only holds what is unsolicited. */
    boolean admitted;
    /** Data for the initiator: in {@link #memory} from index 0, unless {@link #answer} holds it. */
    int answerLength;

    byte[] answer;

    /** Guarded by the session. */
    State state = State.COLLECTING;
    /** Guarded by the session: ends without an answer. */
    boolean aborted;
    /** Guarded by the session: told when the task has ended. */
    final List<Runnable> abortWaiters = new ArrayList<>(0);
    /** In the gate of the logical unit. */
    boolean inGate;

    ScsiTask(final SessionTasks session, final Pdu pdu) {
        this.session = session;
        this.tag = pdu.initiatorTaskTag();
        this.flags = pdu.flags();
        this.expectedLength = pdu.u32(20);
        this.immediate = pdu.immediate();
    }

    boolean reads() {
        return (flags & READ) != 0;
    }

    boolean writes() {
        return (flags & WRITE) != 0;
    }

    int attribute() {
        return flags & ATTRIBUTE_MASK;
    }

    /** Bytes that the command moves by its CDB: what residuals are counted from (RFC 7143 section 11.4.5). */
    private long commandLength() {
        if (plan == null) {
            return 0;
        }
        if (plan.dataOutLength > 0) {
            return plan.dataOutLength;
        }
        return switch (plan.kind) {
            case ANSWER -> plan.answer.length;
            case REQUEST -> plan.dataInLength;
            case WORK -> answerLength;
        };
    }

    /** Positive: the initiator expected too few bytes; negative: too many. */
    long residual() {
        final boolean toldWrongDirection = plan != null && plan.dataInLength > 0 && writes() && !reads();
        final long expected = toldWrongDirection ? 0 : Integer.toUnsignedLong(expectedLength);
        final long moved = failure != null && commandLength() <= expected ? 0 : commandLength();
        return moved - expected;
    }

    /** Of one that was aborted, or whose session has ended, nobody waits for the answer. */
    @Override
    protected boolean abandoned() {
        return session.isAborted(this);
    }

    @Override
    protected void completed(final Throwable failureOrNull) {
        session.onCompleted(this, failureOrNull);
    }
}
