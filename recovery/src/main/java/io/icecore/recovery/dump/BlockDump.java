package io.icecore.recovery.dump;

import io.icecore.recovery.check.Finding;
import io.icecore.recovery.check.RangeInspection;
import java.util.List;

/**
 * One block.
 *
 * @param content what its bytes are, going by themselves
 * @param map     {@code used}, {@code free} or {@code slot}: what the free-space map says
 * @param owners  what refers to it; more than one is damage
 * @param damage  what could not be read, and may refer to it as well
 */
public record BlockDump(
        long block, String content, String map, List<RangeInspection.Owner> owners, List<Finding> damage) {}
