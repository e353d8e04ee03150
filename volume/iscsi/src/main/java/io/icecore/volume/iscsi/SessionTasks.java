package io.icecore.volume.iscsi;

import io.icecore.volume.IoRequest;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.Cdb;
import io.icecore.volume.iscsi.scsi.LogicalUnit;
import io.icecore.volume.iscsi.scsi.Nexus;
import io.icecore.volume.iscsi.scsi.Plan;
import io.icecore.volume.iscsi.scsi.ScsiException;
import io.icecore.volume.iscsi.scsi.Sense;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.agrona.MutableDirectBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The SCSI commands of a session: collects their data, runs them on the volume when it is their turn, answers them in
 * the order in which they end. {@link ScsiTask} draws the states.
 *
 * <p>PDUs come in on the connection's thread; commands end on any. The lock of this object guards states and is never
 * held while a command runs or a reply is sent.
 */
final class SessionTasks implements Nexus.Tasks {
    private static final Logger LOG = LoggerFactory.getLogger(SessionTasks.class);

    private static final int IMMEDIATE_MAX = 16;
    /** Requests up to so many bytes may run on the connection's thread when it has nothing else to do. */
    private static final int INLINE_LENGTH_MAX = 64 << 10;

    private final SessionParameters parameters;
    private final LogicalUnit unit;
    private final Nexus nexus;
    private final ReplyQueue replies;
    private final CommandWindow window;
    private final VolumeWorkers workers;
    private final WorkThreads workThreads;
    private final TransferBuffers memory;

    // Guarded by this.
    private final TaskSet tasks = new TaskSet();
    private final ArrayDeque<ScsiTask> parked = new ArrayDeque<>();
    private int transferTags;
    private boolean ended;

    private volatile Thread connectionThread;
    private final GatheredWrites gathered;

    /** More may be there to be decoded: {@link #onReceived} will follow. Connection's thread only. */
    private boolean receiving;

    final LongAdder commands = new LongAdder();
    final LongAdder bytesRead = new LongAdder();
    final LongAdder bytesWritten = new LongAdder();

    SessionTasks(
            final String port,
            final SessionParameters parameters,
            final LogicalUnit unit,
            final ReplyQueue replies,
            final CommandWindow window,
            final VolumeWorkers workers,
            final WorkThreads workThreads,
            final TransferBuffers memory) {
        this.nexus = new Nexus(port, this);
        this.parameters = parameters;
        this.unit = unit;
        this.replies = replies;
        this.window = window;
        this.workers = workers;
        this.workThreads = workThreads;
        this.memory = memory;
        gathered = new GatheredWrites(this::submit, replies::flush);
    }

    Nexus nexus() {
        return nexus;
    }

    // Collecting

    /**
     * Takes a SCSI command, on the connection's thread.
     *
     * @param idle nothing else has arrived: the thread has time to do the work itself
     */
    void onCommand(final Pdu pdu, final boolean idle) throws PduException {
        connectionThread = Thread.currentThread();
        receiving = true;
        if (pdu.immediate() && tooManyImmediate()) {
            replies.offer(Replies.taskSetFull(pdu.initiatorTaskTag()));
            return;
        }
        final ScsiTask task = new ScsiTask(this, pdu);
        checkImmediateData(pdu, task);
        synchronized (this) {
            if (!tasks.add(task)) {
                throw new PduException(
                        "initiator task tag in use: " + task.tag, Opcode.REJECT_PROTOCOL_ERROR, pdu.header());
            }
        }
        if (!task.immediate) {
            window.take();
            window.advance();
        }
        commands.increment();
        plan(task, pdu);
        collect(task, pdu);
        proceed(task, idle);
    }

    private synchronized boolean tooManyImmediate() {
        return tasks.size() >= IscsiOptions.COMMANDS_MAX + IMMEDIATE_MAX;
    }

    private void checkImmediateData(final Pdu pdu, final ScsiTask task) throws PduException {
        final boolean unsolicited = task.writes() && !pdu.isFinal();
        final boolean refused = pdu.dataLength() > 0 && (!parameters.immediateData || !task.writes())
                || unsolicited && parameters.initialR2t
                || pdu.dataLength() > parameters.unsolicitedLengthMax();
        if (refused) {
            throw new PduException(
                    "unsolicited data that was not agreed to", Opcode.REJECT_PROTOCOL_ERROR, pdu.header());
        }
    }

    private void plan(final ScsiTask task, final Pdu pdu) {
        try {
            final Cdb cdb = pdu.cdb();
            final Plan plan = pdu.lun() == 0 ? unit.plan(nexus, cdb) : LogicalUnit.planForNoUnit(cdb);
            task.plan = plan;
            task.neededLength = neededLength(task, plan);
        } catch (final ScsiException ex) {
            task.failure = ex;
        } catch (final RuntimeException ex) {
            task.failure = unit.failureOf(ex);
        }
    }

    /** How much of what the command takes the initiator has for it (RFC 7143 section 11.4.5.1: residual overflow). */
    private static int neededLength(final ScsiTask task, final Plan plan) throws ScsiException {
        final long available = task.writes() ? Integer.toUnsignedLong(task.expectedLength) : 0;
        if (plan.unlessExact != null && available != plan.dataOutLength) {
            throw new ScsiException(plan.unlessExact);
        }
        if (available >= plan.dataOutLength) {
            return plan.dataOutLength;
        }
        final boolean wholeBlocks = plan.truncatableTo > 0 && available % plan.truncatableTo == 0;
        if (!wholeBlocks || !task.writes()) {
            throw new ScsiException(Sense.INVALID_INFORMATION_UNIT);
        }
        return (int) available;
    }

    /** Finds memory for the command's data and puts there what came with it. */
    private void collect(final ScsiTask task, final Pdu pdu) {
        final boolean more = task.writes() && !pdu.isFinal();
        if (pdu.dataLength() > 0 || more || task.neededLength > 0) {
            final int expected = task.expectedLength < 0 ? Integer.MAX_VALUE : task.expectedLength;
            task.transfer = new DataOutTransfer(parameters, task.neededLength, expected, pdu.dataLength(), more);
        }
        final int length = memoryLength(task);
        if (task.failure != null || length == 0) {
            task.admitted = true;
            return;
        }
        synchronized (this) {
            final boolean waits = isLarge(task) && !parked.isEmpty();
            task.memory = waits ? null : take(task, length);
            task.admitted = task.memory != null || task.failure != null;
            if (!task.admitted) {
                task.memory = task.neededLength > 0 ? take(task, TransferBuffers.SMALL_LENGTH) : null;
                task.admitted = task.failure != null;
                put(task, 0, pdu);
                if (!task.admitted) {
                    parked.add(task); // From here on another thread may take it over.
                }
                return;
            }
        }
        put(task, 0, pdu);
    }

    /** Null while the task has to wait, and when the process has no memory: then it fails, and may be sent again. */
    private TransferBuffer take(final ScsiTask task, final int length) {
        try {
            return memory.take(length);
        } catch (final OutOfMemoryError ex) {
            LOG.warn("no memory for a command: length={} problem={}", length, ex.getMessage());
            task.failure = ScsiException.busy();
            return null;
        }
    }

    private static int memoryLength(final ScsiTask task) {
        if (task.plan == null || task.plan.kind == Plan.Kind.ANSWER) {
            return 0;
        }
        return Math.max(task.neededLength, readLength(task));
    }

    /** Bytes of an answer that the initiator can take; work puts down its whole answer, whatever is sent of it. */
    private static int readLength(final ScsiTask task) {
        if (task.plan.kind == Plan.Kind.WORK) {
            return task.plan.dataInLength;
        }
        final long room = task.reads() ? Integer.toUnsignedLong(task.expectedLength) : 0;
        return (int) Math.min(task.plan.dataInLength, room);
    }

    private static void put(final ScsiTask task, final int offset, final Pdu pdu) {
        final int length = Math.min(pdu.dataLength(), task.neededLength - offset);
        final TransferBuffer buffer = task.memory; // None when the command is refused, or aborted just now.
        if (length > 0 && buffer != null) {
            buffer.bytes.put(offset, pdu.data(), 0, length);
        }
    }

    /** Takes a Data-Out PDU, on the connection's thread. */
    void onDataOut(final Pdu pdu) {
        receiving = true;
        final int offset = pdu.u32(40);
        final ScsiTask task;
        boolean wrong = false;
        synchronized (this) {
            task = tasks.get(pdu.initiatorTaskTag());
            if (task == null || task.state != ScsiTask.State.COLLECTING || task.transfer == null) {
                return; // Of a command that was aborted or has failed: the initiator may not know yet.
            }
            try {
                task.transfer.onData(pdu.targetTransferTag(), pdu.u32(36), offset, pdu.dataLength(), pdu.isFinal());
                if (isLarge(task)) {
                    put(task, offset, pdu); // Parked: another thread may exchange its memory and see its last data.
                }
            } catch (final DataOutTransfer.SequenceException ex) {
                wrong = true;
                parked.remove(task);
                task.failure = new ScsiException(Sense.DATA_PHASE_ERROR);
            }
        }
        if (wrong) {
            end(task);
            return;
        }
        if (!isLarge(task)) {
            put(task, offset, pdu);
        }
        proceed(task, false);
    }

    /** Its memory comes out of the budget, for which it may have to wait. */
    private static boolean isLarge(final ScsiTask task) {
        return memoryLength(task) > TransferBuffers.SMALL_LENGTH;
    }

    /** Asks for more data, or goes on to run the command when all is there. Any thread. */
    private void proceed(final ScsiTask task, final boolean idle) {
        final List<DataOutTransfer.Request> requests = new ArrayList<>(0);
        boolean runs = false;
        synchronized (this) {
            if (task.state != ScsiTask.State.COLLECTING) {
                return; // Another thread saw the last of its data or memory arrive, or it was aborted.
            }
            if (task.failure == null) {
                if (!task.admitted) {
                    return;
                }
                if (collected(task, requests)) {
                    runs = tasks.mayRun(task);
                    task.state = runs ? ScsiTask.State.EXECUTING : ScsiTask.State.READY;
                }
            } else if (task.transfer != null && task.transfer.unsolicitedOpen()) {
                return; // It is refused, but the initiator has not finished sending.
            }
        }
        if (task.failure != null) {
            end(task);
        } else if (runs) {
            execute(task, idle);
        } else {
            requests.forEach(request -> replies.offer(Replies.r2t(0, task.tag, request)));
        }
    }

    /** Whether all data is here; otherwise adds what is to be asked for. Holds the session. */
    private boolean collected(final ScsiTask task, final List<DataOutTransfer.Request> requests) {
        if (task.transfer == null || task.transfer.complete()) {
            return true;
        }
        for (DataOutTransfer.Request request = task.transfer.next(transferTags);
                request != null;
                request = task.transfer.next(transferTags)) {
            transferTags = transferTags + 1 == Opcode.NO_TAG ? 0 : transferTags + 1;
            requests.add(request);
        }
        return false;
    }

    // Running

    private void execute(final ScsiTask task, final boolean idle) {
        final Plan plan = task.plan;
        if (plan.kind == Plan.Kind.ANSWER) {
            task.answer = plan.answer;
            task.answerLength = plan.answer.length;
            end(task);
        } else if (plan.dataOutLength > 0 && task.neededLength == 0
                || plan.op == IoRequest.Op.READ && readLength(task) == 0) {
            end(task); // The initiator has not a single block for it, or wants none.
        } else if (plan.sharing == Plan.Sharing.NONE) {
            run(task, idle);
        } else {
            unit.gate().enter(plan.sharing == Plan.Sharing.EXCLUSIVE, () -> {
                task.inGate = true;
                run(task, idle && Thread.currentThread() == connectionThread);
            });
        }
    }

    private void run(final ScsiTask task, final boolean idle) {
        if (isAborted(task)) {
            end(task);
            return;
        }
        try {
            if (task.plan.kind == Plan.Kind.WORK) {
                carryOutGathered(); // Work may compare, copy or verify what they write.
                workThreads.execute(() -> work(task));
            } else {
                request(task, idle);
            }
        } catch (final RejectedExecutionException ex) {
            onCompleted(task, ex); // The target is closing, or the store.
        }
    }

    private void request(final ScsiTask task, final boolean idle) {
        final int length = fill(task);
        final boolean brief = length <= INLINE_LENGTH_MAX && task.op != IoRequest.Op.FLUSH && !task.fua;
        if (idle && brief && window.used() <= 1) {
            workers.execute(task);
        } else if (gathering() && GatheredWrites.suits(task)) {
            gathered.add(task);
        } else {
            if (task.op == IoRequest.Op.FLUSH) {
                carryOutGathered(); // Else it would have nothing to cover.
            }
            submit(task);
        }
    }

    private boolean gathering() {
        return Thread.currentThread() == connectionThread && receiving;
    }

    private void carryOutGathered() {
        if (gathering()) {
            gathered.carryOut();
        }
    }

    private void submit(final ScsiTask task) {
        try {
            workers.submit(task);
        } catch (final RejectedExecutionException ex) {
            onCompleted(task, ex); // The target is closing, or the store.
        }
    }

    /** Nothing more is there to be decoded, on the connection's thread. */
    void onReceived() {
        receiving = false;
        gathered.carryOut();
    }

    synchronized boolean isAborted(final ScsiTask task) {
        return task.aborted;
    }

    private int fill(final ScsiTask task) {
        final Plan plan = task.plan;
        task.export = unit.export();
        task.op = plan.op;
        task.offset = plan.offset;
        task.fua = plan.fua;
        task.index = 0;
        task.buffer = task.memory == null ? null : task.memory.view;
        task.length = switch (plan.op) {
            case READ -> readLength(task);
            case WRITE -> task.neededLength;
            default -> plan.length;
        };
        if (plan.op == IoRequest.Op.READ) {
            task.answerLength = (int) task.length;
        }
        return plan.op == IoRequest.Op.CACHE ? 0 : (int) task.length;
    }

    private void work(final ScsiTask task) {
        final TaskWorkspace workspace = new TaskWorkspace(task, workThreads.scratch());
        try {
            task.answerLength = task.plan.work.run(workspace);
        } catch (final ScsiException | RuntimeException | Error ex) {
            onCompleted(task, ex);
            return;
        }
        if (workspace.begin == null) {
            onCompleted(task, null);
        } else {
            workspace.begin.accept(() -> onCompleted(task, null));
        }
    }

    private static final class TaskWorkspace implements Plan.Workspace {
        private final ScsiTask task;
        private final MutableDirectBuffer scratch;
        private Consumer<Runnable> begin;

        TaskWorkspace(final ScsiTask task, final MutableDirectBuffer scratch) {
            this.task = task;
            this.scratch = scratch;
        }

        @Override
        public MutableDirectBuffer data() {
            return task.memory.view;
        }

        @Override
        public int dataOutLength() {
            return task.neededLength;
        }

        @Override
        public MutableDirectBuffer scratch() {
            return scratch;
        }

        @Override
        public void answerAfter(final Consumer<Runnable> starts) {
            begin = starts;
        }
    }

    /** The volume is done with the task. Any thread. */
    void onCompleted(final ScsiTask task, final Throwable failureOrNull) {
        if (failureOrNull != null) {
            task.failure = unit.failureOf(failureOrNull);
        }
        end(task);
    }

    // Ending

    /** Answers a task that is not waiting for anything any more, unless it was aborted. Any thread. */
    private void end(final ScsiTask task) {
        if (task.inGate) {
            task.inGate = false;
            unit.gate().leave();
        }
        final List<ScsiTask> runnable;
        final boolean answered;
        final List<Runnable> waiters;
        synchronized (this) {
            if (task.state == ScsiTask.State.ENDED) {
                return; // Aborted before it ran.
            }
            task.state = ScsiTask.State.ENDED;
            runnable = takeRunnable(task);
            answered = !task.aborted && !ended;
            waiters = List.copyOf(task.abortWaiters);
        }
        closeWindow(task);
        if (answered) {
            answer(task);
        } else {
            giveBack(task);
        }
        waiters.forEach(Runnable::run);
        runnable.forEach(next -> execute(next, false));
        if (Thread.currentThread() != connectionThread) {
            replies.flush();
        }
    }

    private List<ScsiTask> takeRunnable(final ScsiTask task) {
        final List<ScsiTask> runnable = tasks.remove(task);
        runnable.forEach(next -> next.state = ScsiTask.State.EXECUTING);
        return runnable;
    }

    private void closeWindow(final ScsiTask task) {
        if (!task.immediate) {
            window.giveBack();
        }
    }

    private void answer(final ScsiTask task) {
        final ScsiReply reply = new ScsiReply(task, unit, parameters, () -> giveBack(task));
        bytesRead.add(reply.dataLength());
        bytesWritten.add(task.failure == null ? task.neededLength : 0);
        if (reply.dataLength() == 0) {
            giveBack(task);
        }
        replies.offer(reply);
    }

    /** Returns the task's memory, once, and lets in those who wait for it. */
    private void giveBack(final ScsiTask task) {
        final TransferBuffer buffer;
        synchronized (this) {
            buffer = task.memory;
            task.memory = null;
        }
        if (buffer == null) {
            return;
        }
        memory.giveBack(buffer);
        if (buffer.length() > TransferBuffers.SMALL_LENGTH) {
            admitParked();
        }
    }

    private void admitParked() {
        for (ScsiTask next = takeParked(); next != null; next = takeParked()) {
            proceed(next, false);
        }
        if (Thread.currentThread() != connectionThread) {
            replies.flush();
        }
    }

    private ScsiTask takeParked() {
        synchronized (this) {
            final ScsiTask next = parked.peek();
            final TransferBuffer large = next == null ? null : take(next, memoryLength(next));
            if (large == null) {
                if (next == null || next.failure == null) {
                    return null;
                }
                next.admitted = true;
                return parked.remove();
            }
            parked.remove();
            final TransferBuffer small = next.memory;
            if (small != null) {
                large.bytes.put(0, small.bytes, 0, small.length());
                memory.giveBack(small);
            }
            next.memory = large;
            next.admitted = true;
            return next;
        }
    }

    // Aborting

    @Override
    public void abortAll(final Runnable whenEnded) {
        final List<ScsiTask> all;
        synchronized (this) {
            all = new ArrayList<>(tasks.all());
        }
        abort(all, whenEnded);
    }

    /** Ends tasks without an answer. What the volume has already cannot be stopped: {@code whenEnded} waits for it. */
    private void abort(final List<ScsiTask> victims, final Runnable whenEnded) {
        final AtomicInteger left = new AtomicInteger(1);
        final Runnable one = () -> {
            if (left.decrementAndGet() == 0) {
                whenEnded.run();
            }
        };
        final List<ScsiTask> stopped = new ArrayList<>();
        final List<ScsiTask> runnable = new ArrayList<>();
        synchronized (this) {
            for (final ScsiTask task : victims) {
                if (task.state == ScsiTask.State.EXECUTING) {
                    task.aborted = true;
                    left.incrementAndGet();
                    task.abortWaiters.add(one);
                } else if (task.state != ScsiTask.State.ENDED) {
                    task.state = ScsiTask.State.ENDED;
                    parked.remove(task);
                    stopped.add(task);
                    runnable.addAll(takeRunnable(task));
                }
            }
        }
        for (final ScsiTask task : stopped) {
            closeWindow(task);
            giveBack(task);
        }
        runnable.forEach(next -> execute(next, false));
        one.run();
    }

    /**
     * ABORT TASK. False when there is no such task; otherwise {@code whenEnded} runs once it has ended, on any thread.
     */
    boolean abort(final int tag, final Runnable whenEnded) {
        final ScsiTask task;
        synchronized (this) {
            task = tasks.get(tag);
        }
        if (task == null) {
            return false;
        }
        abort(List.of(task), whenEnded);
        return true;
    }

    /**
     * The connection is gone, or is to go: no command is answered any more. {@code whenEnded}: the last one has ended.
     * On the connection's thread.
     */
    void terminate(final Runnable whenEnded) {
        synchronized (this) {
            ended = true;
        }
        onReceived();
        abortAll(whenEnded);
    }
}
