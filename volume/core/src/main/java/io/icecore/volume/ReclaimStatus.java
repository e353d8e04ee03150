package io.icecore.volume;

/**
 * How far background deletion has come.
 *
 * @param records        branches with something left to visit
 * @param regionsLeft    candidate regions not yet visited (an estimate where bitmaps were coarsened)
 * @param reclaimedBytes given back since the store was opened
 * @param pendingBytes   estimate of what will come back
 */
public record ReclaimStatus(int records, long regionsLeft, long reclaimedBytes, long pendingBytes) {}
