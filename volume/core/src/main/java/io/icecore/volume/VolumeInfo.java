package io.icecore.volume;

import java.time.Instant;

/**
 * Facts about a volume.
 *
 * @param branch      the branch its head is on
 * @param sizeBytes   what clients see
 * @param mappedBytes bytes of the head that take space in this volume's own branch
 * @param snapshots   how many visible ones it has
 * @param parent      {@code volume@snapshot} it was cloned from, or null
 */
public record VolumeInfo(
        String name, long branch, long sizeBytes, long mappedBytes, int snapshots, String parent, Instant created) {}
