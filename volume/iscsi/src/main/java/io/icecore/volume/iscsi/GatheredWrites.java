package io.icecore.volume.iscsi;

import io.icecore.volume.Export;
import io.icecore.volume.IoRequest;
import io.icecore.volume.WriteBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Short writes of one session that arrived one after the other, held back until there is nothing more to be decoded: carried
 * out together, many short writes become one long one. Used by the connection's thread only.
 */
final class GatheredWrites {
    private static final Logger LOG = LoggerFactory.getLogger(GatheredWrites.class);

    /** Longer ones are worth a write of their own. Bytes. */
    private static final int LENGTH_MAX = 64 << 10;

    /** So many at once, so that the initiator has something to do while the rest is carried out. */
    private static final int WRITES_MAX = 32;

    private final Consumer<ScsiTask> singly;
    private final Runnable answered;
    private final WriteBatch batch = new WriteBatch();
    private final List<ScsiTask> tasks = new ArrayList<>(WRITES_MAX);
    private Export export;

    /**
     * @param singly   executes a write whose batch has failed
     * @param answered called after a batch: its answers can be sent
     */
    GatheredWrites(final Consumer<ScsiTask> singly, final Runnable answered) {
        this.singly = singly;
        this.answered = answered;
    }

    /** Whether a batch may hold such a request at all. */
    static boolean suits(final ScsiTask task) {
        return task.op == IoRequest.Op.WRITE
                && !task.fua
                && task.length <= LENGTH_MAX
                && WriteBatch.wholeChunks(task.offset, task.length);
    }

    /** Takes a request that {@link #suits}, its fields filled. */
    void add(final ScsiTask task) {
        while (!tasks.isEmpty() && !takes(task)) {
            carryOut(); // Which may bring others here.
        }
        export = task.export;
        tasks.add(task);
        batch.add(task.offset, task.buffer, task.index, (int) task.length);
    }

    private boolean takes(final ScsiTask task) {
        return tasks.size() < WRITES_MAX && task.export == export && batch.takes(task.offset, task.length);
    }

    /** Carries out what has been gathered; every task of it ends, or is on its way. */
    void carryOut() {
        if (tasks.isEmpty()) {
            return;
        }
        boolean done = false;
        try {
            export.write(batch);
            done = true;
        } catch (final RuntimeException | Error ex) {
            LOG.debug("a batch of writes failed, trying them singly: export={}", export.name(), ex);
        }
        final List<ScsiTask> ended = List.copyOf(tasks);
        tasks.clear();
        batch.clear();
        for (final ScsiTask task : ended) {
            if (done) {
                task.completed(null);
            } else {
                singly.accept(task);
            }
        }
        answered.run();
    }
}
