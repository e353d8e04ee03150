package io.icecore.volume.iscsi.scsi;

import java.util.ArrayDeque;

/**
 * Lets commands that change blocks run side by side, and commands that read, decide and write run alone among them.
 *
 * <p>Nobody waits on a thread: who may not enter yet leaves a continuation, which runs on the thread that lets it in.
 * First come, first served, so that a stream of writes cannot keep a COMPARE AND WRITE out for ever.
 *
 * <p>One gate for each logical unit, shared by all sessions of the target. It knows nothing of other protocols: a
 * client that writes to the same volume through another server comes between the read and the write of an exclusive
 * command.
 */
public final class ExclusiveGate {
    private record Waiting(boolean exclusive, Runnable entered) {}

    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
    private int inside;
    private boolean exclusiveInside;
    private boolean admitting;

    /** Runs {@code entered} once the command may go on: at once on this thread, or later on another. */
    public void enter(final boolean exclusive, final Runnable entered) {
        synchronized (this) {
            if (!waiting.isEmpty() || !admits(exclusive)) {
                waiting.add(new Waiting(exclusive, entered));
                return;
            }
            admit(exclusive);
        }
        entered.run();
    }

    /** The command has ended. Lets in who can go on now, on this thread or on one that is at it already. */
    public void leave() {
        synchronized (this) {
            assert inside > 0 : "left more often than entered";
            inside--;
            exclusiveInside = false;
            if (admitting) {
                return; // One that was let in has left at once: the loop below goes on, rather than a deeper one.
            }
            admitting = true;
        }
        boolean done = false;
        try {
            for (Runnable next = next(); next != null; next = next()) {
                next.run();
            }
            done = true;
        } finally {
            if (!done) {
                stopAdmitting(); // A bug in one command must not keep all others out.
            }
        }
    }

    private synchronized void stopAdmitting() {
        admitting = false;
    }

    private synchronized Runnable next() {
        final Waiting first = waiting.peek();
        if (first == null || !admits(first.exclusive)) {
            admitting = false;
            return null;
        }
        admit(first.exclusive);
        return waiting.remove().entered;
    }

    private boolean admits(final boolean exclusive) {
        return exclusive ? inside == 0 : !exclusiveInside;
    }

    private void admit(final boolean exclusive) {
        inside++;
        exclusiveInside = exclusive;
    }
}
