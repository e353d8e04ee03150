package io.icecore.recovery.dump;

import io.icecore.store.format.Superblock;
import io.icecore.store.format.SuperblockLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * One superblock slot.
 *
 * @param superblock or null where the slot holds none
 * @param state      {@code newest}, {@code parent} (of the newest), {@code older}, {@code foreign} (of another store),
 *                   {@code blank}, {@code unreadable}, {@code damaged}, or {@code repair} (a marker of one in place)
 * @param problem    of a damaged or unreadable one, or what a marker says, or null
 */
public record SlotDump(long block, String state, Superblock superblock, String problem) {
    /** Names of the flags that are set. */
    public List<String> flags() {
        final List<String> flags = new ArrayList<>();
        if (superblock != null) {
            add(flags, SuperblockLayout.FLAG_PAYLOAD_FLUSHED, "flushed");
            add(flags, SuperblockLayout.FLAG_SEALING, "sealing");
            add(flags, SuperblockLayout.FLAG_OPENING, "opening");
        }
        return flags;
    }

    private void add(final List<String> flags, final int flag, final String name) {
        if ((superblock.flags & flag) != 0) {
            flags.add(name);
        }
    }
}
