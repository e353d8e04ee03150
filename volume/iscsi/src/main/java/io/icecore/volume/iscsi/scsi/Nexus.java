package io.icecore.volume.iscsi.scsi;

import java.util.ArrayDeque;

/**
 * One initiator port logged in to one logical unit (SAM-5 section 4.6): what the unit has to tell it, and how to end
 * what it is doing.
 */
public final class Nexus {
    private static final int ATTENTIONS_MAX = 16;

    /** Ends commands on behalf of another initiator. */
    public interface Tasks {
        /** Commands not yet finished end without an answer; {@code ended} runs when the last one has, on any thread. */
        void abortAll(Runnable ended);
    }

    private final String port;
    private final Tasks tasks;
    private final ArrayDeque<Sense> attentions = new ArrayDeque<>();
    private volatile boolean attentionPending;
    private volatile boolean preventsRemoval;

    /**
     * @param port name of the initiator port, as in a TransportID: {@code iqn.example:host,i,0x00023d000001}
     */
    public Nexus(final String port, final Tasks tasks) {
        this.port = port;
        this.tasks = tasks;
    }

    public String port() {
        return port;
    }

    Tasks tasks() {
        return tasks;
    }

    boolean preventsRemoval() {
        return preventsRemoval;
    }

    void preventRemoval(final boolean prevents) {
        preventsRemoval = prevents;
    }

    /** A condition that is pending already is not told twice. */
    public synchronized void attention(final Sense sense) {
        if (!attentions.contains(sense) && attentions.size() < ATTENTIONS_MAX) {
            attentions.add(sense);
            attentionPending = true;
        }
    }

    /** A reset makes what was pending before it moot (SAM-5 section 5.14). */
    synchronized void attentionInsteadOfAll(final Sense sense) {
        attentions.clear();
        attention(sense);
    }

    /** Takes the oldest pending unit attention, or null. */
    Sense takeAttention() {
        if (!attentionPending) {
            return null;
        }
        synchronized (this) {
            final Sense sense = attentions.poll();
            attentionPending = !attentions.isEmpty();
            return sense;
        }
    }
}
