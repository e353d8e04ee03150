package io.icecore.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/**
 * The commands of the program by name.
 *
 * <p>Only the one that is named is ever constructed: looking into all of them would cost every call 100 ms.
 */
final class CommandTable {
    /**
     * @param words   the name: {@code snapshot list}
     * @param summary one line for the overview
     * @param command makes it, or null where it is not built yet
     */
    record Entry(String words, String summary, Supplier<? extends Callable<Integer>> command) {
        boolean built() {
            return command != null;
        }
    }

    private static final List<Entry> ENTRIES = List.of(
            new Entry("tour", "The main job from end to end, on a store of its own.", CommandTable::tour),
            new Entry("store create", "Make a new store in a file or on a block device.", StoreCreateCommand::new),
            new Entry("store info", "Facts and space.", StoreInfoCommand::new),
            new Entry("store grow", "Enlarge the store, online.", StoreGrowCommand::new),
            new Entry(
                    "volume create", "Make a volume. It takes no space until it is written.", VolumeCreateCommand::new),
            new Entry("volume list", "The volumes.", VolumeListCommand::new),
            new Entry("volume resize", "Change the size of a volume.", VolumeResizeCommand::new),
            new Entry("volume delete", "Delete a volume and its snapshots.", VolumeDeleteCommand::new),
            new Entry("volume import", "A raw image or device becomes a volume.", VolumeImportCommand::new),
            new Entry("volume export", "A volume or snapshot becomes a raw image.", VolumeExportCommand::new),
            new Entry("snapshot create", "Snapshot volumes, all in one instant.", SnapshotCreateCommand::new),
            new Entry("snapshot list", "The snapshots, newest last.", SnapshotListCommand::new),
            new Entry("snapshot delete", "Delete snapshots; the space follows.", SnapshotDeleteCommand::new),
            new Entry("snapshot hold", "Protect a snapshot from deletion.", SnapshotHoldCommand::new),
            new Entry("snapshot release", "Take a hold away.", SnapshotReleaseCommand::new),
            new Entry("snapshot rename", "Give a snapshot another name.", SnapshotRenameCommand::new),
            new Entry("policy set", "Take rolling snapshots of a volume and thin them.", PolicySetCommand::new),
            new Entry("policy show", "The policies.", PolicyShowCommand::new),
            new Entry("policy clear", "Take no more rolling snapshots of a volume.", PolicyClearCommand::new),
            new Entry("policy preview", "What a policy keeps and deletes, and why.", PolicyPreviewCommand::new),
            new Entry("clone", "", null),
            new Entry("rollback", "", null),
            new Entry("flatten", "", null),
            new Entry("history", "A volume's snapshots on a time line.", HistoryCommand::new),
            new Entry("browse", "", null),
            new Entry("diff", "", null),
            new Entry("send", "", null),
            new Entry("receive", "", null),
            new Entry("serve", "The daemon: exports, rolling snapshots, deletion.", ServeCommand::new),
            new Entry("status", "How the daemon is doing.", StatusCommand::new),
            new Entry("check", "", null),
            new Entry("scrub", "", null),
            new Entry("repair", "", null),
            new Entry("dump", "", null));

    private CommandTable() {}

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
        return null;
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

    private static Callable<Integer> tour() {
        try {
            final Object command = Class.forName("io.icecore.cli.tour.TourCommand")
                    .getDeclaredConstructor()
                    .newInstance();
            @SuppressWarnings("unchecked")
            final Callable<Integer> callable = (Callable<Integer>) command;
            return callable;
        } catch (final ReflectiveOperationException ex) {
            throw new CommandException(ExitCode.FAILED, "not built yet: tour");
        }
    }
}
