package io.icecore.volume.iscsi;

import io.icecore.volume.iscsi.scsi.LogicalUnit;
import java.nio.ByteBuffer;

/**
 * The full feature phase of a session (RFC 7143 section 4.2.5): PDUs go in on the connection's thread, replies come
 * out of a queue, and between them commands run wherever the volume runs them, in any order.
 *
 * <p>Flow control is the command window: {@value IscsiOptions#COMMANDS_MAX} commands from their arrival to their
 * answer. A command beyond the window is ignored, as is one that came before (section 4.2.2.1).
 *
 * <p>Error recovery level 0: a PDU out of sequence or with a wrong digest ends the session; a data sequence that is
 * wrong ends its command.
 */
final class FullFeaturePhase {
    /** What the session may ask of its connection. */
    interface Connection {
        /** Ends the connection: the last reply has been sent. Any thread. */
        void closeAfterReplies();

        /**
         * Names and addresses of all targets that the peer may see, as SendTargets text. {@code only}: null for all.
         */
        byte[] targets(String only);

        /** TARGET COLD RESET: ends every session of the target. */
        void coldReset();
    }

    private static final int TMF_COMPLETE = 0;
    private static final int TMF_NO_TASK = 1;
    private static final int TMF_NO_LUN = 2;
    private static final int TMF_NO_REASSIGN = 4;
    private static final int TMF_NOT_SUPPORTED = 5;
    private static final int TMF_REJECTED = 255;
    private static final int LOGOUT_COMPLETE = 0;
    private static final int LOGOUT_NO_CONNECTION = 1;
    private static final int LOGOUT_NO_RECOVERY = 2;

    private final LoginRequest login;
    private final SessionParameters parameters;
    private final LogicalUnit unit;
    private final CommandWindow window;
    private final SessionTasks tasks;
    private final ReplyQueue replies;
    private final Connection connection;
    private final TextExchange text;
    private boolean loggedOut;

    /**
     * @param unit  null in a discovery session
     * @param tasks null in a discovery session
     */
    FullFeaturePhase(
            final LoginRequest login,
            final SessionParameters parameters,
            final LogicalUnit unit,
            final CommandWindow window,
            final SessionTasks tasks,
            final ReplyQueue replies,
            final Connection connection) {
        this.login = login;
        this.parameters = parameters;
        this.unit = unit;
        this.window = window;
        this.tasks = tasks;
        this.replies = replies;
        this.connection = connection;
        this.text = new TextExchange(login, parameters, connection::targets);
    }

    LogicalUnit unit() {
        return unit;
    }

    SessionTasks tasks() {
        return tasks;
    }

    LoginRequest login() {
        return login;
    }

    CommandWindow window() {
        return window;
    }

    /**
     * Takes one PDU, on the connection's thread.
     *
     * @param idle nothing else has arrived: the thread has time to do the work itself
     */
    void onPdu(final Pdu pdu, final boolean idle) throws PduException {
        if (loggedOut) {
            return;
        }
        switch (pdu.opcode()) {
            case Opcode.DATA_OUT -> {
                if (tasks != null) {
                    tasks.onDataOut(pdu);
                }
            }
            case Opcode.SCSI_COMMAND, Opcode.TASK_MANAGEMENT, Opcode.TEXT, Opcode.NOP_OUT, Opcode.LOGOUT -> {
                if (window.admits(pdu)) {
                    onRequest(pdu, idle);
                }
            }
            case Opcode.SNACK -> replies.offer(Replies.reject(Opcode.REJECT_SNACK, pdu.header()));
            case Opcode.LOGIN ->
                throw new PduException("login in full feature phase", Opcode.REJECT_PROTOCOL_ERROR, pdu.header());
            default -> replies.offer(Replies.reject(Opcode.REJECT_NOT_SUPPORTED, pdu.header()));
        }
    }

    /** Nothing more is there to be decoded, on the connection's thread. */
    void onReceived() {
        if (tasks != null) {
            tasks.onReceived();
        }
    }

    private void onRequest(final Pdu pdu, final boolean idle) throws PduException {
        if (pdu.opcode() == Opcode.SCSI_COMMAND && tasks != null) {
            tasks.onCommand(pdu, idle);
            return;
        }
        if (!pdu.immediate()) {
            window.advance();
        }
        switch (pdu.opcode()) {
            case Opcode.NOP_OUT -> onNopOut(pdu);
            case Opcode.TEXT -> replies.offer(text.onRequest(pdu));
            case Opcode.LOGOUT -> onLogout(pdu);
            default -> {
                if (tasks == null) {
                    replies.offer(Replies.reject(Opcode.REJECT_PROTOCOL_ERROR, pdu.header()));
                } else {
                    onTaskManagement(pdu);
                }
            }
        }
    }

    /** Task management function request (RFC 7143 section 11.5). */
    private void onTaskManagement(final Pdu pdu) {
        final int function = pdu.flags() & 0x7f;
        final int tag = pdu.initiatorTaskTag();
        final boolean needsLun = function <= 5;
        if (needsLun && pdu.lun() != 0) {
            respond(tag, TMF_NO_LUN);
            return;
        }
        switch (function) {
            case 1 -> {
                if (!tasks.abort(pdu.u32(20), () -> respond(tag, TMF_COMPLETE))) {
                    respond(tag, TMF_NO_TASK);
                }
            }
            // Each nexus has a task set of its own (TST), so that CLEAR TASK SET reaches no further than ABORT TASK
            // SET.
            case 2, 4 -> tasks.abortAll(() -> respond(tag, TMF_COMPLETE));
            case 3 -> respond(tag, TMF_NOT_SUPPORTED);
            case 5, 6 -> unit.reset(() -> respond(tag, TMF_COMPLETE));
            case 7 ->
                unit.reset(() -> {
                    replies.offer(Replies.taskManagement(tag, TMF_COMPLETE, connection::coldReset));
                    replies.flush();
                });
            case 8 -> respond(tag, TMF_NO_REASSIGN);
            default -> respond(tag, TMF_REJECTED);
        }
    }

    /** Any thread: whoever ends the last task of those that had to end. */
    private void respond(final int tag, final int response) {
        replies.offer(Replies.taskManagement(tag, response, () -> {}));
        replies.flush();
    }

    /**
     * The connection is gone, or is to go: no command is answered any more. {@code whenEnded}: the last one has ended.
     */
    void terminate(final Runnable whenEnded) {
        if (tasks == null) {
            whenEnded.run();
        } else {
            tasks.terminate(whenEnded);
        }
    }

    private void onNopOut(final Pdu pdu) {
        if (pdu.initiatorTaskTag() == Opcode.NO_TAG) {
            return; // Answers a ping of ours; that something came is all that counts.
        }
        final ByteBuffer data = pdu.data();
        final byte[] echoed = new byte[Math.min(data.remaining(), parameters.initiatorDataLengthMax)];
        data.get(echoed);
        replies.offer(Replies.pong(pdu.lun(), pdu.initiatorTaskTag(), echoed));
    }

    private void onLogout(final Pdu pdu) {
        final int reason = pdu.flags() & 0x7f;
        final int tag = pdu.initiatorTaskTag();
        if (reason > 1) {
            replies.offer(Replies.logout(tag, LOGOUT_NO_RECOVERY, () -> {}));
            return;
        }
        if (reason == 1 && pdu.u16(20) != login.connectionId()) {
            replies.offer(Replies.logout(tag, LOGOUT_NO_CONNECTION, () -> {}));
            return;
        }
        loggedOut = true;
        final Runnable answer = () -> {
            replies.offer(Replies.logout(tag, LOGOUT_COMPLETE, connection::closeAfterReplies));
            replies.flush();
        };
        if (tasks == null) {
            answer.run();
        } else {
            tasks.abortAll(answer);
        }
    }

    /** Asks the initiator to show that it is there. */
    void ping() {
        replies.offer(Replies.ping(1));
        replies.flush();
    }

    /** Tells the initiator that its target goes away and that it should log out. Any thread. */
    void requestLogout(final int seconds) {
        replies.offer(Replies.async(Replies.ASYNC_LOGOUT_REQUESTED, seconds));
        replies.flush();
    }
}
