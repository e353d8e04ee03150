package io.icecore.volume.iscsi;

import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.LogicalUnit;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import io.icecore.volume.iscsi.scsi.Sense;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.security.SecureRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A session without a socket: bytes go in, from the login on, as a connection would hand them in. Reports what a peer must
 * never be able to do: leave commands that do not end, memory that does not come back, exports that stay open. Whatever a
 * peer may do ends in a {@link PduException} at worst; anything else thrown is a bug and is not caught here.
 */
final class FuzzedSession implements FullFeaturePhase.Connection, LoginPhase.Admission, PduEncoder.Window {
    private static final int SECONDS_MAX = 20;
    private static final int TRANSFER_BYTES_MAX = 8 << 20;
    private static final int RECEIVE_LENGTH = 2 * PduDecoder.pduLengthMax(SessionParameters.RECEIVED_DATA_LENGTH_MAX);

    /** What all sessions of a process share, as those of a target do. */
    static final class Shared {
        final InMemoryExports exports = new InMemoryExports().addVolume("vm1", 1 << 20);
        final VolumeWorkers workers = new VolumeWorkers(1, 64);
        final WorkThreads workThreads = new WorkThreads(1);
        final TargetNames names = new TargetNames("lab");
        final LogicalUnits units = new LogicalUnits(IscsiOptions.DEFAULT, exports, ReservationStore.NONE, names);
        final String target = names.nameOf("vm1");
    }

    private final Shared shared;
    private final PduEncoder encoder = new PduEncoder(this);
    private final ReplyQueue replies = new ReplyQueue(encoder, new Sink(), () -> {});
    private final LoginPhase login;
    private final TransferBuffers memory = new TransferBuffers(TRANSFER_BYTES_MAX);
    private final ByteBuffer received = ByteBuffer.allocateDirect(RECEIVE_LENGTH);
    private PduDecoder decoder = new PduDecoder(8192);
    private LogicalUnit unit;
    private FullFeaturePhase phase;
    private boolean established;
    private volatile boolean ended;

    FuzzedSession(final Shared shared, final IscsiAccess access) {
        this.shared = shared;
        login = new LoginPhase(access, true, new SecureRandom(), this);
    }

    /** The peer is still listened to. */
    boolean open() {
        return !ended;
    }

    boolean loggedIn() {
        return established;
    }

    /** Takes bytes of the peer. */
    void feed(final byte[] bytes) {
        received.put(bytes, 0, Math.min(bytes.length, received.remaining()));
        received.flip();
        try {
            for (Pdu pdu = decoder.decode(received); pdu != null && !ended; pdu = decoder.decode(received)) {
                onPdu(pdu);
            }
        } catch (final PduException ex) {
            ended = true;
        }
        received.compact();
        replies.flush();
    }

    private void onPdu(final Pdu pdu) throws PduException {
        if (established) {
            phase.onPdu(pdu, !received.hasRemaining());
            return;
        }
        replies.offer(login.onPdu(pdu));
        if (login.refusal() != null) {
            ended = true;
        } else if (login.established() != null) {
            replies.flush();
            established = true;
            decoder = new PduDecoder(SessionParameters.RECEIVED_DATA_LENGTH_MAX);
            decoder.digests(login.parameters().headerDigest, login.parameters().dataDigest);
        }
    }

    /** The connection is lost. */
    void end() throws InterruptedException {
        replies.close();
        if (phase != null) {
            final CountDownLatch quiet = new CountDownLatch(1);
            phase.terminate(quiet::countDown);
            if (!quiet.await(SECONDS_MAX, TimeUnit.SECONDS)) {
                throw new AssertionError("commands that do not end");
            }
            if (unit != null) {
                shared.units.release(unit, phase.tasks().nexus());
            }
            check("commands in the window", phase.window().used());
        }
        final long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_MAX);
        while (memory.largeBytes() + replies.length() > 0 && System.nanoTime() < deadline) {
            Thread.onSpinWait(); // A command that had ended by then may be about to be answered, in vain.
        }
        check("bytes of transfers", memory.largeBytes());
        check("replies", replies.length());
        check("open exports", shared.exports.open.get());
    }

    private static void check(final String what, final int left) {
        if (left != 0) {
            throw new AssertionError(what + " left: " + left);
        }
    }

    // What a connection and a target do

    @Override
    public LoginStatus admit(final LoginRequest request) {
        final CommandWindow window = new CommandWindow(1, IscsiOptions.COMMANDS_MAX);
        if (request.discovery()) {
            phase = new FullFeaturePhase(request, login.parameters(), null, window, null, replies, this);
            return LoginStatus.SUCCESS;
        }
        if (!request.targetName().equals(shared.target)) {
            return LoginStatus.NOT_FOUND;
        }
        unit = shared.units.open(request.targetName());
        final SessionTasks tasks = new SessionTasks(
                request.port(), login.parameters(), unit, replies, window, shared.workers, shared.workThreads, memory);
        shared.units.attach(unit, tasks.nexus(), Sense.POWER_ON);
        phase = new FullFeaturePhase(request, login.parameters(), unit, window, tasks, replies, this);
        return LoginStatus.SUCCESS;
    }

    @Override
    public int sessionHandle() {
        return 1;
    }

    @Override
    public boolean sessionExists(final int sessionHandle) {
        return sessionHandle == 7;
    }

    @Override
    public int expectedCommandSn() {
        return phase == null ? 1 : phase.window().expectedCommandSn();
    }

    @Override
    public int maxCommandSn() {
        return phase == null ? 1 : phase.window().maxCommandSn();
    }

    @Override
    public void closeAfterReplies() {
        ended = true;
    }

    @Override
    public byte[] targets(final String only) {
        return new byte[3000];
    }

    @Override
    public void coldReset() {
        ended = true;
    }

    /** A peer that reads all it is sent. */
    private static final class Sink implements GatheringByteChannel {
        @Override
        public long write(final ByteBuffer[] sources, final int offset, final int length) {
            long count = 0;
            for (int i = offset; i < offset + length; i++) {
                count += write(sources[i]);
            }
            return count;
        }

        @Override
        public long write(final ByteBuffer[] sources) {
            return write(sources, 0, sources.length);
        }

        @Override
        public int write(final ByteBuffer source) {
            final int count = source.remaining();
            source.position(source.limit());
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }
}
