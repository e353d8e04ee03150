package io.icecore.recovery.point;

import java.time.Duration;
import java.time.Instant;

/**
 * How the timer stands with one volume.
 *
 * @param every     interval of its policy, or null when the policy cannot be read
 * @param lastTaken time of its newest rolling snapshot, or null when it has none
 * @param nextDue   when the next is due, or null when the policy cannot be read
 * @param lastError what went wrong at the last attempt to take or to thin, or null when all is well
 */
public record RollingStatus(String volume, Duration every, Instant lastTaken, Instant nextDue, String lastError) {}
