package io.icecore.volume.iscsi;

import io.icecore.store.device.StoreException;
import io.icecore.volume.Attention;
import io.icecore.volume.iscsi.scsi.LogicalUnit;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, which is one session, on a thread of its own: reads PDUs, hands them to the login phase and then to
 * the full feature phase, sends what other threads could not, and watches the clock.
 *
 * <p>The socket does not block: this thread waits in a selector, so that it can both read and write, and no other
 * thread waits for a slow peer. Whatever a peer sends, it ends this connection at worst, with one line in the log.
 */
final class IscsiConnection implements Runnable, FullFeaturePhase.Connection, LoginPhase.Admission, PduEncoder.Window {
    private static final Logger LOG = LoggerFactory.getLogger(IscsiConnection.class);

    private static final int LOGIN_DATA_LENGTH_MAX = 8192;
    private static final int RECEIVE_LENGTH = 2 * PduDecoder.pduLengthMax(SessionParameters.RECEIVED_DATA_LENGTH_MAX);
    /** So many replies unsent: read nothing more until some have left. */
    private static final int REPLIES_MAX = 4 * IscsiOptions.COMMANDS_MAX;

    private static final long CONGESTED_WAIT_MILLIS = 20;

    private final IscsiTarget target;
    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private final InetSocketAddress peer;
    private final InetSocketAddress local;
    private final PduEncoder encoder = new PduEncoder(this);
    private final ReplyQueue replies;
    private final LoginPhase login;
    private final long acceptedNanos;
    private final CountDownLatch ended = new CountDownLatch(1);

    private PduDecoder decoder = new PduDecoder(LOGIN_DATA_LENGTH_MAX);
    private ByteBuffer received = ByteBuffer.allocateDirect(2 * PduDecoder.pduLengthMax(LOGIN_DATA_LENGTH_MAX));
    private long heardNanos;
    private boolean pinged;
    private boolean loginBegun;
    private int loginCommandSn;
    private int sessionHandle;
    private volatile Instant since;
    private LogicalUnit admittedUnit;
    private volatile FullFeaturePhase admitted;
    private volatile FullFeaturePhase phase;
    private volatile boolean socketFull;
    private final Attention attention = new Attention();
    private volatile boolean closing;
    private volatile String closeReason = "logout";

    /** @param channel accepted; belongs to this object from here on */
    IscsiConnection(final IscsiTarget target, final SocketChannel channel) throws IOException {
        this.target = target;
        this.channel = channel;
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        peer = (InetSocketAddress) channel.getRemoteAddress();
        local = (InetSocketAddress) channel.getLocalAddress();
        selector = Selector.open();
        key = channel.register(selector, SelectionKey.OP_READ);
        replies = new ReplyQueue(encoder, channel, this::onSocketFull);
        final InetAddress address = peer.getAddress();
        login = new LoginPhase(target.options().access(), address.isLoopbackAddress(), target.random(), this);
        acceptedNanos = target.clock().nanoTime();
        heardNanos = acceptedNanos;
    }

    // The thread

    @Override
    public void run() {
        try {
            loop();
            LOG.info("session closed: peer={} initiator={} reason={}", peer, initiator(), closeReason);
        } catch (final PduException ex) {
            rejectLast(ex);
            LOG.warn("connection dropped: peer={} initiator={} problem={}", peer, initiator(), ex.getMessage());
        } catch (final IOException ex) {
            LOG.info("connection lost: peer={} initiator={} problem={}", peer, initiator(), ex.getMessage());
        } catch (final StoreException ex) {
            LOG.warn("connection dropped: peer={} initiator={} problem={}", peer, initiator(), ex.toString());
        } catch (final RuntimeException | Error ex) {
            LOG.error("connection dropped because of a bug: peer={} initiator={}", peer, initiator(), ex);
        }
        end();
    }

    private void loop() throws IOException, PduException {
        while (!closing) {
            final boolean congested = replies.length() > REPLIES_MAX;
            final int count = congested ? 0 : channel.read(received);
            if (count < 0) {
                closeReason = "connection closed by the peer";
                return;
            }
            if (count > 0) {
                heard();
                decodeReceived();
                replies.flush();
                if (replies.failure() != null) {
                    throw replies.failure();
                }
            } else {
                watchClock();
                if (!congested
                        && !socketFull
                        && attention.staysAwake(target.clock().nanoTime())) {
                    Thread.yield();
                } else {
                    await(congested);
                }
            }
        }
    }

    private void heard() {
        heardNanos = target.clock().nanoTime();
        attention.heard(heardNanos);
        pinged = false;
    }

    private void await(final boolean congested) throws IOException {
        key.interestOps((congested ? 0 : SelectionKey.OP_READ) | (socketFull ? SelectionKey.OP_WRITE : 0));
        final long timeout = congested ? Math.min(CONGESTED_WAIT_MILLIS, waitMillis()) : waitMillis();
        selector.select(
                selected -> {
                    if (selected.isWritable()) {
                        socketFull = false;
                        heard(); // It takes what we send: it is alive.
                        replies.flush();
                    }
                },
                Math.max(1, timeout));
        if (replies.failure() != null) {
            throw replies.failure();
        }
    }

    private void onSocketFull() {
        socketFull = true;
        selector.wakeup();
    }

    private void decodeReceived() throws PduException {
        received.flip();
        for (Pdu pdu = decoder.decode(received); pdu != null && !closing; pdu = decoder.decode(received)) {
            onPdu(pdu);
        }
        if (phase != null) {
            phase.onReceived();
        }
        if (received.hasRemaining()) {
            received.compact();
        } else {
            received.clear();
        }
    }

    private void onPdu(final Pdu pdu) throws PduException {
        final FullFeaturePhase current = phase;
        if (current != null) {
            current.onPdu(pdu, !received.hasRemaining());
            return;
        }
        if (!loginBegun) {
            loginBegun = true;
            encoder.startStatSn(pdu.u32(28)); // ExpStatSN: any number will do, this one suits the initiator.
        }
        loginCommandSn = pdu.commandSn();
        final LoginReply reply = login.onPdu(pdu);
        replies.offer(reply);
        if (login.refusal() != null) {
            LOG.warn("login refused: peer={} reason={}", peer, login.refusal());
            replies.flush();
            drop("login refused");
        } else if (login.established() != null) {
            enterFullFeaturePhase();
        }
    }

    private void enterFullFeaturePhase() {
        final SessionParameters parameters = login.parameters();
        replies.flush(); // The login response leaves without digests, all after it with those agreed on.
        decoder = new PduDecoder(SessionParameters.RECEIVED_DATA_LENGTH_MAX);
        decoder.digests(parameters.headerDigest, parameters.dataDigest);
        final ByteBuffer larger =
                ByteBuffer.allocateDirect(RECEIVE_LENGTH).put(received).flip();
        received = larger;
        phase = admitted;
        if (login.established().discovery()) {
            LOG.debug("discovery: initiator={} peer={}", initiator(), peer);
        } else {
            LOG.info(
                    "session opened: initiator={} target={} peer={}",
                    initiator(),
                    login.established().targetName(),
                    peer);
        }
    }

    /** Tells the peer why, if it still listens. */
    private void rejectLast(final PduException violation) {
        if (violation.rejectReason() != PduException.NO_REJECT && violation.header() != null) {
            replies.offer(Replies.reject(violation.rejectReason(), violation.header()));
            replies.flush();
        }
    }

    private void end() {
        closing = true;
        try {
            channel.close();
            selector.close();
        } catch (final IOException ex) {
            LOG.warn("closing a connection failed: peer={} problem={}", peer, ex.getMessage());
        }
        replies.close();
        if (admitted == null) {
            onEnded();
        } else {
            admitted.terminate(this::onEnded);
        }
    }

    private String initiator() {
        return admitted == null ? "(not logged in)" : admitted.login().initiatorName();
    }

    /** No command of this session is left. Any thread. */
    private void onEnded() {
        if (admittedUnit != null) {
            target.units().release(admittedUnit, admitted.tasks().nexus());
        }
        target.onEnded(this);
        ended.countDown();
    }

    // The clock

    private long waitMillis() {
        return TimeUnit.NANOSECONDS.toMillis(deadlineNanos() - target.clock().nanoTime()) + 1;
    }

    private long deadlineNanos() {
        final IscsiOptions.Timeouts timeouts = target.options().timeouts();
        if (phase == null) {
            return acceptedNanos + timeouts.login().toNanos();
        }
        final long askAt = heardNanos + timeouts.pingInterval().toNanos();
        return pinged ? askAt + timeouts.pingAnswer().toNanos() : askAt;
    }

    private void watchClock() throws PduException {
        if (target.clock().nanoTime() - deadlineNanos() < 0) {
            return;
        }
        if (phase == null) {
            throw new PduException(
                    "no login within " + target.options().timeouts().login());
        }
        if (pinged) {
            throw new PduException(
                    "no answer within " + target.options().timeouts().pingAnswer());
        }
        pinged = true;
        phase.ping();
    }

    // Admission

    @Override
    public LoginStatus admit(final LoginRequest request) {
        return target.admit(this, request);
    }

    /** The session exists from here on. */
    void admitted(final int handle, final FullFeaturePhase session, final LogicalUnit unit) {
        sessionHandle = handle;
        since = target.now();
        admitted = session;
        admittedUnit = unit;
    }

    /** @param unit null in a discovery session */
    FullFeaturePhase newSession(final LoginRequest request, final LogicalUnit unit) {
        final CommandWindow window = new CommandWindow(loginCommandSn, IscsiOptions.COMMANDS_MAX);
        final SessionTasks tasks = unit == null
                ? null
                : new SessionTasks(
                        request.port(),
                        login.parameters(),
                        unit,
                        replies,
                        window,
                        target.workers(),
                        target.workThreads(),
                        new TransferBuffers(target.options().limits().sessionBytesMax()));
        return new FullFeaturePhase(request, login.parameters(), unit, window, tasks, replies, this);
    }

    @Override
    public int sessionHandle() {
        return sessionHandle;
    }

    @Override
    public boolean sessionExists(final int handle) {
        return target.sessionExists(handle);
    }

    // The command window, as far as there is one

    @Override
    public int expectedCommandSn() {
        return admitted == null ? loginCommandSn : admitted.window().expectedCommandSn();
    }

    @Override
    public int maxCommandSn() {
        return admitted == null ? loginCommandSn : admitted.window().maxCommandSn();
    }

    // Asked by the session and the target

    @Override
    public void closeAfterReplies() {
        closing = true;
        selector.wakeup();
    }

    @Override
    public byte[] targets(final String only) {
        return target.targets(only, local);
    }

    @Override
    public void coldReset() {
        target.coldReset(admitted.unit());
    }

    /** Ends the connection soon, without waiting. Any thread. */
    void drop(final String reason) {
        if (!closing) {
            closeReason = reason;
            closing = true;
        }
        selector.wakeup();
    }

    /** Waits until no command of the session is left. */
    boolean awaitEnd(final long timeoutMillis) {
        try {
            return ended.await(timeoutMillis, TimeUnit.MILLISECONDS);
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Null while there is no session yet. */
    FullFeaturePhase session() {
        return admitted;
    }

    /** What the session works on; null while there is none, and in a discovery session. */
    String exportName() {
        final FullFeaturePhase session = admitted;
        return session == null || session.unit() == null
                ? null
                : session.unit().export().name();
    }

    SessionStatus status() {
        final FullFeaturePhase session = admitted;
        final SessionTasks tasks = session.tasks();
        return new SessionStatus(
                session.login().initiatorName(),
                session.login().targetName(),
                exportName(),
                peer.getAddress().getHostAddress() + ":" + peer.getPort(),
                since,
                tasks == null ? 0 : tasks.commands.sum(),
                session.window().used(),
                tasks == null ? 0 : tasks.bytesRead.sum(),
                tasks == null ? 0 : tasks.bytesWritten.sum());
    }
}
