package io.icecore.recovery.dump;

/**
 * One node of a tree, parents first.
 *
 * @param home    block that its parent names; another than {@code block} where the redirect table leads on
 * @param problem of a damaged node, of which count and keys are then unknown; or null
 */
public record NodeDump(
        int level,
        long block,
        long home,
        long generation,
        int count,
        int freeBytes,
        String firstKey,
        String lastKey,
        String problem) {}
