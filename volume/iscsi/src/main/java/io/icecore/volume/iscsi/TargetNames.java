package io.icecore.volume.iscsi;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Target names and what they stand for: {@code iqn.2026-11.io.icecore:<label>.vm1} is the volume {@code vm1},
 * {@code ….vm1.at.monday} its snapshot {@code vm1@monday}.
 */
final class TargetNames {
    private static final String AUTHORITY = "iqn.2026-11.io.icecore:";
    private static final String AT = ".at.";
    /** Bytes (RFC 7143 section 4.2.7.1). */
    private static final int LENGTH_MAX = 223;

    private final String prefix;

    TargetNames(final String storeLabel) {
        prefix = AUTHORITY + storeLabel + '.';
    }

    /** Whether a text can be the name of an iSCSI node, and so be shown in one line of a log (RFC 7143 section 4.2.7). */
    static boolean isName(final String text) {
        return text.getBytes(StandardCharsets.UTF_8).length <= LENGTH_MAX
                && text.chars().noneMatch(c -> Character.isISOControl(c) || Character.isSpaceChar(c));
    }

    /** The target name of an export, or null when it would be longer than a name may be. */
    String nameOf(final String spec) {
        final String name = prefix + spec.replace("@", AT);
        return name.getBytes(StandardCharsets.UTF_8).length <= LENGTH_MAX ? name : null;
    }

    /**
     * Every spec that a target name can stand for, the most likely first: {@code a.at.b} is the volume of that name
     * or the snapshot b of a. Empty when the name is not one of ours.
     */
    List<String> specsOf(final String targetName) {
        final List<String> specs = new ArrayList<>();
        if (targetName.length() <= prefix.length() || !targetName.startsWith(prefix)) {
            return specs;
        }
        final String rest = targetName.substring(prefix.length());
        for (int at = rest.lastIndexOf(AT); at > 0; at = rest.lastIndexOf(AT, at - 1)) {
            specs.add(rest.substring(0, at) + '@' + rest.substring(at + AT.length()));
        }
        specs.add(rest);
        return specs;
    }
}
