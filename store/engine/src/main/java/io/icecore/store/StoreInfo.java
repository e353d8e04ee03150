package io.icecore.store;

import java.util.UUID;

/**
 * Facts about an open store.
 *
 * @param label         chosen at format, part of iSCSI names; letters, digits, dot and dash
 * @param sizeBytes     length of the device in use
 * @param usedBytes     allocated blocks, superblock slots included
 * @param freeBytes     blocks that can be allocated now or after the next commits
 * @param generation    newest durable commit
 * @param health        "ok", or why the store takes no more writes
 */
public record StoreInfo(
        String path,
        UUID uuid,
        String label,
        int formatVersion,
        long sizeBytes,
        long usedBytes,
        long freeBytes,
        long generation,
        boolean readOnly,
        String health) {}
