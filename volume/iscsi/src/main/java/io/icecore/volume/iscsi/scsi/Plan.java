package io.icecore.volume.iscsi.scsi;

import io.icecore.volume.IoRequest;
import java.util.Arrays;
import java.util.function.Consumer;
import org.agrona.MutableDirectBuffer;

/**
 * What a command asks for, once its CDB has been decoded and found permitted: an answer that is already there, one
 * request to the volume, or work of several steps. Says how many bytes the initiator has to send first, so that the
 * transport can fetch them; knows nothing of the transport.
 */
public final class Plan {
    public enum Kind {
        /** {@link #answer} is the data for the initiator; there is nothing to wait for. */
        ANSWER,
        /** One {@link IoRequest}. */
        REQUEST,
        /** {@link #work}, on a thread that may block. */
        WORK
    }

    /** How the command shares the logical unit with others: see {@link ExclusiveGate}. */
    public enum Sharing {
        /** Changes nothing, or nothing that an exclusive command relies on. */
        NONE,
        /** Changes blocks: not while an exclusive command runs. */
        CHANGES,
        /** Reads, decides and writes: nothing may change meanwhile. */
        EXCLUSIVE
    }

    /** The memory a command works in. */
    public interface Workspace {
        /** What the initiator sent, from index 0; and where data for it goes, over what it sent. */
        MutableDirectBuffer data();

        /** Bytes that the initiator sent: {@link Plan#dataOutLength}, or fewer whole blocks where that is allowed. */
        int dataOutLength();

        /** At least {@link #SCRATCH_LENGTH} bytes of any content. */
        MutableDirectBuffer scratch();

        /**
         * The command is answered only when something else is over as well. {@code begin} starts that, without
         * waiting, and is handed what to run at its end.
         */
        void answerAfter(Consumer<Runnable> begin);

        int SCRATCH_LENGTH = 1 << 20;
    }

    @FunctionalInterface
    public interface Work {
        /** Returns the number of bytes put into {@link Workspace#data()} for the initiator. */
        int run(Workspace workspace) throws ScsiException;
    }

    public static final byte[] NO_DATA = {};

    public final Kind kind;
    public final byte[] answer;
    public final IoRequest.Op op;
    /** Byte within the export. */
    public final long offset;
    /** Bytes. */
    public final long length;

    public final boolean fua;
    public final Sharing sharing;
    public final Work work;
    /** Bytes that the initiator has to send before anything can be done. */
    public final int dataOutLength;
    /** The most bytes that the command can have for the initiator. */
    public final int dataInLength;
    /** Not 0: the initiator may send fewer blocks of this length than the CDB says, and only those count. */
    public final int truncatableTo;
    /** Not null: the failure when the initiator has more or fewer bytes than {@link #dataOutLength}. */
    public final Sense unlessExact;

    private Plan(
            final Kind kind,
            final byte[] answer,
            final IoRequest.Op op,
            final long offset,
            final long length,
            final boolean fua,
            final Sharing sharing,
            final Work work,
            final int dataOutLength,
            final int dataInLength,
            final int truncatableTo,
            final Sense unlessExact) {
        this.kind = kind;
        this.answer = answer;
        this.op = op;
        this.offset = offset;
        this.length = length;
        this.fua = fua;
        this.sharing = sharing;
        this.work = work;
        this.dataOutLength = dataOutLength;
        this.dataInLength = dataInLength;
        this.truncatableTo = truncatableTo;
        this.unlessExact = unlessExact;
    }

    /** GOOD, with {@code data} cut to what the initiator allocated for it. */
    static Plan answer(final byte[] data, final long allocationLength) {
        final byte[] cut = data.length <= allocationLength ? data : Arrays.copyOf(data, (int) allocationLength);
        return new Plan(Kind.ANSWER, cut, null, 0, 0, false, Sharing.NONE, null, 0, cut.length, 0, null);
    }

    static Plan good() {
        return answer(NO_DATA, 0);
    }

    static Plan read(final long offset, final int length) {
        return new Plan(
                Kind.REQUEST,
                NO_DATA,
                IoRequest.Op.READ,
                offset,
                length,
                false,
                Sharing.NONE,
                null,
                0,
                length,
                0,
                null);
    }

    static Plan write(final long offset, final int length, final boolean fua, final int blockLength) {
        return new Plan(
                Kind.REQUEST,
                NO_DATA,
                IoRequest.Op.WRITE,
                offset,
                length,
                fua,
                Sharing.CHANGES,
                null,
                length,
                0,
                blockLength,
                null);
    }

    /** A request without data: FLUSH or CACHE. */
    static Plan request(final IoRequest.Op op, final long offset, final long length) {
        return new Plan(Kind.REQUEST, NO_DATA, op, offset, length, false, Sharing.NONE, null, 0, 0, 0, null);
    }

    static Plan work(final Sharing sharing, final int dataOutLength, final int dataInLength, final Work work) {
        return new Plan(Kind.WORK, NO_DATA, null, 0, 0, false, sharing, work, dataOutLength, dataInLength, 0, null);
    }

    /** As {@link #work}, but the initiator may send fewer whole blocks. */
    static Plan blockWork(final Sharing sharing, final int dataOutLength, final int blockLength, final Work work) {
        return new Plan(Kind.WORK, NO_DATA, null, 0, 0, false, sharing, work, dataOutLength, 0, blockLength, null);
    }

    /**
     * As {@link #work}, but the initiator has to have exactly as much as the CDB says: the meaning of the bytes
     * depends on their number.
     */
    static Plan exactWork(final Sharing sharing, final int dataOutLength, final Sense unlessExact, final Work work) {
        return new Plan(Kind.WORK, NO_DATA, null, 0, 0, false, sharing, work, dataOutLength, 0, 0, unlessExact);
    }
}
