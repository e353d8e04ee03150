package io.icecore.volume.iscsi;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The commands of a session in the order of their arrival, and which of them may run now (SAM-5 section 8): SIMPLE
 * ones in any order but not past an ORDERED one, an ORDERED one when all before it have ended, HEAD OF QUEUE at once.
 *
 * <p>Not thread-safe: the session guards it.
 */
final class TaskSet {
    private final Map<Integer, ScsiTask> tasks = new LinkedHashMap<>();
    private int orderedCount;

    /** False when there is one of that tag already. */
    boolean add(final ScsiTask task) {
        if (tasks.putIfAbsent(task.tag, task) != null) {
            return false;
        }
        orderedCount += isOrdered(task) ? 1 : 0;
        return true;
    }

    ScsiTask get(final int tag) {
        return tasks.get(tag);
    }

    int size() {
        return tasks.size();
    }

    Collection<ScsiTask> all() {
        return new ArrayList<>(tasks.values());
    }

    /** Whether a task of this set may run now. */
    boolean mayRun(final ScsiTask task) {
        if (orderedCount == 0 || task.attribute() == ScsiTask.ATTRIBUTE_HEAD_OF_QUEUE) {
            return true;
        }
        for (final ScsiTask earlier : tasks.values()) {
            if (earlier == task) {
                return true;
            }
            if (isOrdered(task) || isOrdered(earlier)) {
                return false;
            }
        }
        throw new AssertionError("task is not in the set: " + task.tag);
    }

    /** The task has ended. Returns those that waited and may run now. */
    List<ScsiTask> remove(final ScsiTask task) {
        tasks.remove(task.tag, task);
        if (orderedCount == 0) {
            return List.of();
        }
        orderedCount -= isOrdered(task) ? 1 : 0;
        final List<ScsiTask> runnable = new ArrayList<>();
        for (final ScsiTask other : tasks.values()) {
            if (other.state == ScsiTask.State.READY && mayRun(other)) {
                runnable.add(other);
            }
        }
        return runnable;
    }

    private static boolean isOrdered(final ScsiTask task) {
        return task.attribute() == ScsiTask.ATTRIBUTE_ORDERED;
    }
}
