package io.icecore.recovery.scrub;

import io.icecore.recovery.check.CheckReport;
import io.icecore.recovery.check.Finding;
import java.util.ArrayList;
import java.util.List;

/** What scrub answers: the structure as {@code check} found it at the beginning, and the data. */
public record ScrubReport(CheckReport structure, long chunksRead, List<DamagedChunk> damage) {
    public ScrubReport {
        damage = List.copyOf(damage);
    }

    public boolean ok() {
        return structure.ok() && damage.isEmpty();
    }

    /** Of the structure first. */
    public List<Finding> errors() {
        final List<Finding> errors = new ArrayList<>(structure.errors());
        damage.forEach(chunk -> errors.add(chunk.finding()));
        return errors;
    }
}
