package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.format.Superblock;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The redirect table: no target is a key, no root is a key, and every key is named by exactly one reachable parent. It has
 * at most a few hundred entries.
 */
final class RedirectCheck {
    private final Superblock superblock;
    private final Findings findings;
    private final Map<Long, Integer> named = new ConcurrentHashMap<>();

    RedirectCheck(final Superblock superblock, final Findings findings) {
        this.superblock = superblock;
        this.findings = findings;
    }

    void table() {
        final Set<Long> targets = new HashSet<>();
        for (int i = 0; i < superblock.redirects.length; i += 3) {
            final long home = superblock.redirects[i];
            if (named.put(home, 0) != null) {
                findings.add(finding(home, "redirected twice"));
            }
            if (!targets.add(superblock.redirects[i + 1])) {
                findings.add(finding(home, "leads to block " + superblock.redirects[i + 1] + ", as another does"));
            }
        }
        for (final long home : named.keySet()) {
            if (targets.contains(home)) {
                findings.add(finding(home, "is the target of another redirect"));
            }
        }
        for (final long root : superblock.rootBlocks) {
            if (root != 0 && named.containsKey(root)) {
                findings.add(finding(root, "is the root of a tree"));
            }
        }
    }

    /** A reachable parent names this block as a child. Any thread. */
    void name(final long home) {
        named.computeIfPresent(home, (block, count) -> count + 1);
    }

    /** @param complete every node was reached */
    void parents(final boolean complete) {
        named.forEach((home, count) -> {
            if (count > 1 || count == 0 && complete) {
                findings.add(finding(home, "named by " + count + " parents (expected: 1)"));
            }
        });
    }

    private static Finding finding(final long home, final String what) {
        return Finding.at("redirect of the node", home * BLOCK_LENGTH, what);
    }
}
