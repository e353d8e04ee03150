package io.icecore.cli;

import io.icecore.cli.tour.TourCommand;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * The commands of the program by name.
 *
 * <p>Only the one that is named is ever constructed, nor is anything made that could construct the others: looking into
 * all of them would cost every call 100 ms.
 */
final class CommandTable {
    /**
     * @param words   the name: {@code snapshot list}
     * @param summary one line for the overview, or null of what is not built yet
     */
    record Entry(String words, String summary) {
        boolean built() {
            return summary != null;
        }

        /** Only of one that is built. */
        Callable<Integer> command() {
            return create(words);
        }
    }

    /** Between programs only: no person types it, and no help lists it. */
    static final String READING = "reading";

    private static final List<Entry> ENTRIES = List.of(
            new Entry("tour", "The main job from end to end, on a store of its own."),
            new Entry("store create", "Make a new store in a file or on a block device."),
            new Entry("store info", "Facts and space."),
            new Entry("store set", "What the store does when it is full."),
            new Entry("store grow", "Enlarge the store, online."),
            new Entry("volume create", "Make a volume. It takes no space until it is written."),
            new Entry("volume list", "The volumes."),
            new Entry("volume resize", "Change the size of a volume."),
            new Entry("volume delete", "Delete a volume and its snapshots."),
            new Entry("volume import", "A raw image or device becomes a volume."),
            new Entry("volume export", "A volume or snapshot becomes a raw image."),
            new Entry("snapshot create", "Snapshot volumes, all in one instant."),
            new Entry("snapshot list", "The snapshots, newest last."),
            new Entry("snapshot delete", "Delete snapshots; the space follows."),
            new Entry("snapshot hold", "Protect a snapshot from deletion."),
            new Entry("snapshot release", "Take a hold away."),
            new Entry("snapshot rename", "Give a snapshot another name."),
            new Entry("policy set", "Take rolling snapshots of a volume and thin them."),
            new Entry("policy show", "The policies."),
            new Entry("policy clear", "Take no more rolling snapshots of a volume."),
            new Entry("policy preview", "What a policy keeps and deletes, and why."),
            new Entry("clone", "A new volume that begins as a snapshot."),
            new Entry("rollback", "Take a volume back to one of its snapshots."),
            new Entry("flatten", "Cut a clone loose from its origin."),
            new Entry("history", "A volume's snapshots on a time line."),
            new Entry("browse", null),
            new Entry("diff", null),
            new Entry("send", null),
            new Entry("receive", null),
            new Entry("serve", "The daemon: exports, rolling snapshots, deletion."),
            new Entry("status", "How the daemon is doing."),
            new Entry("check", "Are the structures of the store consistent? Read-only."),
            new Entry("scrub", "Read all data and verify it, online, throttled."),
            new Entry("repair", "Make a consistent store of what can still be read."),
            new Entry("dump superblocks", "Every superblock slot and what it holds."),
            new Entry("dump commit", "All that a superblock says, its spill nodes included."),
            new Entry("dump tree", "The nodes of a tree, and what is in them."),
            new Entry("dump segment", "The blocks of a segment and their owners."),
            new Entry("dump block", "What a block is, and whose."));

    private CommandTable() {}

    private static Callable<Integer> create(final String words) {
        return switch (words) {
            case "tour" -> new TourCommand();
            case "store create" -> new StoreCreateCommand();
            case "store info" -> new StoreInfoCommand();
            case "store set" -> new StoreSetCommand();
            case "store grow" -> new StoreGrowCommand();
            case "volume create" -> new VolumeCreateCommand();
            case "volume list" -> new VolumeListCommand();
            case "volume resize" -> new VolumeResizeCommand();
            case "volume delete" -> new VolumeDeleteCommand();
            case "volume import" -> new VolumeImportCommand();
            case "volume export" -> new VolumeExportCommand();
            case "snapshot create" -> new SnapshotCreateCommand();
            case "snapshot list" -> new SnapshotListCommand();
            case "snapshot delete" -> new SnapshotDeleteCommand();
            case "snapshot hold" -> new SnapshotHoldCommand();
            case "snapshot release" -> new SnapshotReleaseCommand();
            case "snapshot rename" -> new SnapshotRenameCommand();
            case "policy set" -> new PolicySetCommand();
            case "policy show" -> new PolicyShowCommand();
            case "policy clear" -> new PolicyClearCommand();
            case "policy preview" -> new PolicyPreviewCommand();
            case "clone" -> new CloneCommand();
            case "rollback" -> new RollbackCommand();
            case "flatten" -> new FlattenCommand();
            case "history" -> new HistoryCommand();
            case "serve" -> new ServeCommand();
            case "status" -> new StatusCommand();
            case "check" -> new CheckCommand();
            case "scrub" -> new ScrubCommand();
            case "repair" -> new RepairCommand();
            case "dump superblocks" -> new DumpSuperblocksCommand();
            case "dump commit" -> new DumpCommitCommand();
            case "dump tree" -> new DumpTreeCommand();
            case "dump segment" -> new DumpSegmentCommand();
            case "dump block" -> new DumpBlockCommand();
            case READING -> new ReadingCommand();
            default -> throw new AssertionError("no such command: " + words);
        };
    }

    static List<Entry> entries() {
        return ENTRIES;
    }

    /** The entry that these arguments begin with, or null. */
    static Entry find(final List<String> arguments) {
        for (final Entry entry : ENTRIES) {
            final List<String> words = List.of(entry.words().split(" "));
            if (arguments.size() >= words.size()
                    && arguments.subList(0, words.size()).equals(words)) {
                return entry;
            }
        }
        return arguments.get(0).equals(READING) ? new Entry(READING, "") : null;
    }

    /** The entries of a group such as {@code snapshot}; none where the word is no group. */
    static List<Entry> group(final String word) {
        final List<Entry> group = new ArrayList<>();
        for (final Entry entry : ENTRIES) {
            if (entry.words().startsWith(word + " ")) {
                group.add(entry);
            }
        }
        return group;
    }
}
