package io.icecore.recovery.repair;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Checksum;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.Key;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The extents that are saved. They come in windows that none of them crosses, so that those that contradict each other are
 * seen together.
 *
 * <p>A doubtful one is saved only if its blocks have no other owner, are allocated (where that is known), and hold what its
 * checksums say; and never against a sure one.
 */
final class Saved {
    private final BlockDevice device;
    private final BlockBits owned;

    /** Blocks in use, or null where that is not known. */
    private final BlockBits allocated;

    private final BlockBits forbidden;
    private final Predicate<Candidate> stale;
    private final Consumer<Candidate> lost;
    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[BLOCK_LENGTH]);

    /** Verdicts of the pass that took blocks, by leaf and index: what is dropped stays dropped. */
    private final Map<Long, Boolean> dropped = new HashMap<>();

    private record Place(long branch, long chunk) {}

    /** Epochs in which a version of the history lived: death exclusive. */
    private record Life(long birth, long death) {}

    private final Set<Place> doubtful = new HashSet<>();
    private final Map<Place, List<Life>> lives = new HashMap<>();
    private final Map<Place, Long> headBirths = new HashMap<>();

    Saved(
            final BlockDevice device,
            final BlockBits owned,
            final BlockBits allocated,
            final BlockBits forbidden,
            final Predicate<Candidate> stale,
            final Consumer<Candidate> lost) {
        this.device = device;
        this.owned = owned;
        this.allocated = allocated;
        this.forbidden = forbidden;
        this.stale = stale;
        this.lost = lost;
    }

    /** Goes through the extents of the pieces in the order of keys. */
    static void each(
            final LiveLeaves leaves,
            final List<Piece> pieces,
            final int tree,
            final Consumer<List<Candidate>> windows) {
        final boolean history = OpenedStore.holdsHistory(tree);
        final Extent extent = new Extent();
        List<Candidate> window = new ArrayList<>();
        long end = 0;
        for (final Piece piece : pieces) {
            final NodePage page = leaves.read(piece.block());
            for (int index = 0; page != null && index < page.count(); index++) {
                if (!piece.range().contains(page.hi(index), page.lo(index))) {
                    continue;
                }
                try {
                    extent.read(page, index, history);
                } catch (final CorruptStoreException ex) {
                    continue; // No extent, though its node was whole: a fault of whoever wrote it.
                }
                if (!window.isEmpty() && !sameWindow(window.get(0), end, extent)) {
                    windows.accept(window);
                    window = new ArrayList<>();
                    end = 0;
                }
                end = Math.max(end, extent.end());
                for (int offset = 0; piece.doubtful() && offset < extent.length(); offset++) {
                    window.add(Candidate.doubtful(page, index, extent, history, offset));
                }
                if (!piece.doubtful()) {
                    window.add(Candidate.of(page, index, extent, history));
                }
            }
        }
        if (!window.isEmpty()) {
            windows.accept(window);
        }
    }

    /** Versions of the history never cross a window of the longest extent's length; extents of the head may. */
    private static boolean sameWindow(final Candidate first, final long end, final Extent next) {
        return first.branch() == next.branch()
                && (first.history()
                        ? first.chunk() / ExtentLayout.LENGTH_MAX == next.chunk() / ExtentLayout.LENGTH_MAX
                        : next.chunk() < end);
    }

    /** The sure ones take their blocks. */
    void takeSure(final List<Candidate> window) {
        for (final Candidate candidate : window) {
            if (!candidate.doubtful()) {
                decide(candidate, isSane(candidate) && take(candidate));
            }
        }
    }

    /** Before the doubtful ones are looked at: which chunks have any. */
    void noteDoubtful(final List<Candidate> window) {
        for (final Candidate candidate : window) {
            if (candidate.doubtful()) {
                doubtful.add(new Place(candidate.branch(), candidate.chunk()));
            }
        }
    }

    /** And what the sure ones of all trees say of these chunks. */
    void noteSure(final List<Candidate> window) {
        for (final Candidate candidate : window) {
            for (long chunk = candidate.chunk();
                    !candidate.doubtful() && chunk < candidate.end() && isKept(candidate);
                    chunk++) {
                final Place place = new Place(candidate.branch(), chunk);
                if (doubtful.contains(place)) {
                    note(place, candidate);
                }
            }
        }
    }

    private void note(final Place place, final Candidate candidate) {
        if (candidate.history()) {
            lives.computeIfAbsent(place, key -> new ArrayList<>()).add(new Life(candidate.birth(), candidate.death()));
        } else {
            headBirths.put(place, candidate.birth());
        }
    }

    /** What is in the head was born when the last version of the history was dead; and these live one after the other. */
    private boolean contradictsOtherTree(final Candidate candidate) {
        final Place place = new Place(candidate.branch(), candidate.chunk());
        return candidate.history() && candidate.death() > headBirths.getOrDefault(place, Long.MAX_VALUE)
                || lives.getOrDefault(place, List.of()).stream()
                        .anyMatch(life -> candidate.birth() < life.death
                                && (!candidate.history() || life.birth < candidate.death()));
    }

    /** After all sure ones: the doubtful ones take what nobody has, those of the head first. */
    void takeDoubtful(final List<Candidate> window) {
        for (final Candidate candidate : window) {
            if (candidate.doubtful()) {
                final boolean contradicted = window.stream()
                        .anyMatch(other -> other != candidate
                                && (!other.doubtful() || Boolean.FALSE.equals(dropped.get(other.key())))
                                && !Boolean.TRUE.equals(dropped.get(other.key()))
                                && other.clashesWith(candidate));
                decide(
                        candidate,
                        !contradicted
                                && !contradictsOtherTree(candidate)
                                && !stale.test(candidate)
                                && isSane(candidate)
                                && isConfirmed(candidate)
                                && take(candidate));
            }
        }
    }

    private void decide(final Candidate candidate, final boolean kept) {
        if (!kept || candidate.doubtful()) {
            dropped.put(candidate.key(), !kept);
        }
        if (!kept) {
            lost.accept(candidate);
        } else if (candidate.doubtful()) {
            note(new Place(candidate.branch(), candidate.chunk()), candidate);
        }
    }

    boolean isKept(final Candidate candidate) {
        final Boolean gone = dropped.get(candidate.key());
        return gone == null ? !candidate.doubtful() : !gone;
    }

    private boolean isSane(final Candidate candidate) {
        if (candidate.history() && candidate.birth() >= candidate.death()) {
            return false;
        }
        if (candidate.zeroes()) {
            return true;
        }
        if (candidate.block() < 1 || candidate.block() + candidate.length() > owned.blockCount()) {
            return false;
        }
        for (long block = candidate.block(); block < candidate.block() + candidate.length(); block++) {
            if (forbidden.get(block)) {
                return false;
            }
        }
        return true;
    }

    private boolean take(final Candidate candidate) {
        if (candidate.zeroes()) {
            return true;
        }
        for (int i = 0; i < candidate.length(); i++) {
            if (!owned.set(candidate.block() + i)) {
                for (int j = 0; j < i; j++) {
                    owned.clear(candidate.block() + j);
                }
                return false;
            }
        }
        return true;
    }

    private boolean isConfirmed(final Candidate candidate) {
        if (candidate.zeroes()) {
            return true;
        }
        for (int i = 0; i < candidate.length(); i++) {
            final long block = candidate.block() + i;
            if (owned.get(block) || allocated != null && !allocated.get(block)) {
                return false;
            }
            try {
                device.read(block * BLOCK_LENGTH, buffer, 0, BLOCK_LENGTH);
            } catch (final StoreException ex) {
                return false;
            }
            if (Checksum.of(buffer, 0, BLOCK_LENGTH) != candidate.checksum(i)) {
                return false;
            }
        }
        return true;
    }

    /** Branches of the keys of a range, first and last. */
    static long[] branchesOf(final Range range) {
        final boolean exclusive = range.endLo() == 0 && (range.endHi() & 0xFFFF) == 0;
        return new long[] {Key.a(range.fromHi()), Math.min(Key.A_MAX, Key.a(range.endHi()) - (exclusive ? 1 : 0))};
    }
}
