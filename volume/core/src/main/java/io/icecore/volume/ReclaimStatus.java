package io.icecore.volume;

/**
 * How far background deletion has come.
 *
 * @param records        branches with something left to visit
 * @param regionsLeft    candidate regions not yet visited (an estimate where bitmaps were coarsened)
 * @param reclaimedBytes given back since the store was opened
 * @param pendingBytes   estimate of what will come back
 * @param running        a batch is under way; else what there is gathers until it is worth one
 * @param batchBytes     given back by the batch under way
 * @param bytesPerSecond lately, by the batch under way
 * @param secondsLeft    estimate for the batch under way; -1: not known
 */
public record ReclaimStatus(
        int records,
        long regionsLeft,
        long reclaimedBytes,
        long pendingBytes,
        boolean running,
        long batchBytes,
        long bytesPerSecond,
        long secondsLeft) {}
