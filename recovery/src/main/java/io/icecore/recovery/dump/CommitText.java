package io.icecore.recovery.dump;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.icecore.recovery.check.CommitReader;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.volume.VolumeNotes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;

/** All that a superblock says, and the spill nodes that go on where it had no room, in lines. */
final class CommitText {
    private final CommitReader commit;
    private final Superblock superblock;
    private final List<String> lines = new ArrayList<>();

    private CommitText(final CommitReader commit) {
        this.commit = commit;
        superblock = commit.superblock();
    }

    static List<String> of(final CommitReader commit) {
        final CommitText text = new CommitText(commit);
        text.header();
        text.roots();
        text.redirects();
        text.runs();
        text.spaceLog();
        text.notes();
        return text.lines;
    }

    private void add(final String format, final Object... values) {
        lines.add(String.format(format, values));
    }

    private void header() {
        add(
                "commit %d  parent %d  %s  nonce %016x%s",
                superblock.generation,
                superblock.parentGeneration,
                Instant.ofEpochMilli(superblock.timeMillis),
                superblock.nonce,
                flags());
        add(
                "store %s  label %s  blocks %d  used %d  segment %d  slot stride %d",
                superblock.storeId,
                superblock.label,
                superblock.blockCount,
                superblock.usedBlocks,
                superblock.segmentBlocks,
                superblock.slotStrideBlocks);
        add("cursor %d  next slots %d %d", superblock.cursor, superblock.nextSlots[0], superblock.nextSlots[1]);
    }

    private String flags() {
        final List<String> flags = new SlotDump(superblock.block, "", superblock, null).flags();
        return flags.isEmpty() ? "" : "  " + String.join(" ", flags);
    }

    private void roots() {
        for (int tree = 0; tree < superblock.rootBlocks.length; tree++) {
            if (superblock.rootBlocks[tree] != 0) {
                add(
                        "root of %s  block %d  generation %d  level %d",
                        CommitReader.treeName(tree),
                        superblock.rootBlocks[tree],
                        superblock.rootGenerations[tree],
                        superblock.rootLevels[tree]);
            }
        }
    }

    private void redirects() {
        for (int i = 0; i < superblock.redirects.length; i += 3) {
            add(
                    "redirect  block %d to block %d  generation %d",
                    superblock.redirects[i], superblock.redirects[i + 1], superblock.redirects[i + 2]);
        }
    }

    private void runs() {
        for (int i = 0; i < superblock.runs.length; i += 3) {
            add(
                    "run  blocks %s  checksum 0x%08x",
                    range(superblock.runs[i], superblock.runs[i + 1]), superblock.runs[i + 2]);
        }
    }

    private void spaceLog() {
        final List<String> damage = new ArrayList<>();
        commit.spills(problem -> damage.add("damaged: " + problem.getMessage() + "; older spill nodes are not shown"))
                .forEach(spill -> {
                    final long[] entries = spill.spill().entries();
                    add(
                            "spill node  block %d  previous %d  %d entries",
                            spill.block(), spill.spill().previousBlock(), entries.length / 2);
                    spaceEntries(entries);
                });
        lines.addAll(damage);
        add("space log  %d entries", superblock.space.length / 2);
        spaceEntries(superblock.space);
    }

    private void spaceEntries(final long[] entries) {
        for (int i = 0; i < entries.length; i += 2) {
            final long count = entries[i + 1];
            add("  %s  blocks %s", count > 0 ? "allocated" : "freed", range(entries[i], Math.abs(count)));
        }
    }

    private void notes() {
        try {
            final VolumeNotes notes = VolumeNotes.decode(new UnsafeBuffer(superblock.notes), superblock.notes.length);
            add("notes  %d bytes", superblock.notes.length);
            new TreeMap<>(notes.counters())
                    .forEach((branch, counters) -> add(
                            "  branch %d  written %d  died %d  mapped %d chunks",
                            branch, counters[0], counters[1], counters[2]));
            notes.regions()
                    .forEach(run -> add(
                            "  regions of the head of branch %d  chunks %s",
                            run.branch(), range(run.from(), run.end() - run.from())));
        } catch (final CorruptStoreException ex) {
            add("damaged: %s  %s", ex.getMessage(), new String(superblock.notes, US_ASCII).replaceAll("[^ -~]", "."));
        }
    }

    static String range(final long first, final long count) {
        return count == 1 ? String.valueOf(first) : first + "-" + (first + count - 1);
    }
}
