package io.icecore.recovery.repair;

/**
 * Keys of a tree, and the leaf that has them.
 *
 * @param doubtful the leaf may be older than the state that is looked for
 */
record Piece(Range range, long block, long generation, boolean doubtful) {}
