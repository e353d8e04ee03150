package io.icecore.recovery.check;

/** Told now and then how far a check has come. May throw, which ends the check. */
@FunctionalInterface
public interface CheckProgress {
    CheckProgress NONE = (accounted, total) -> {};

    /**
     * @param accounted blocks whose owner has been found
     * @param total     blocks in use, according to the superblock
     */
    void blocks(long accounted, long total);
}
