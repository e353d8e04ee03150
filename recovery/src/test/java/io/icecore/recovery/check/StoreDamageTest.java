package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.SlotGeometry;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.CatalogueTree;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Each kind of damage is found, and called what it is. */
class StoreDamageTest {
    private static SimBlockDevice sound;

    private SimBlockDevice device = sound.kill();

    @BeforeAll
    static void makeAStore() {
        final RandomHistory history = new RandomHistory(7);
        history.steps(500);
        history.churn();
        history.steps(20);
        sound = history.finish();
        assertThat(new StoreCheck(sound, CheckProgress.NONE).run().errors()).isEmpty();
    }

    // ---- bits of the medium

    @Test
    void aDamagedNodeIsOneFindingAndWhatItLedToIsUnknownNotLeaked() {
        final NodePage node = nodes(OpenedStore.HEAD).get(0);
        device.flipBit(node.block() * BLOCK_LENGTH + 3000, 3);

        final CheckReport report = check();

        assertThat(report.errors()).hasSize(2);
        assertThat(report.errors().get(0).where())
                .isEqualTo("head " + (node.level() == 0 ? "leaf" : "node") + " at position "
                        + node.block() * BLOCK_LENGTH);
        assertThat(report.errors().get(0).what()).startsWith("checksum 0x");
        assertThat(report.errors().get(1).what()).matches("[0-9]+ blocks in use have no owner .* owners unknown");
        assertThat(report.blocks().leaked()).isZero();
    }

    @Test
    void aDamagedLeafOfTheSpaceTreeSaysThatTheMapWasNotCompared() {
        final List<NodePage> nodes = nodes(OpenedStore.SPACE);
        assertThat(nodes).as("this store should have had its space log folded").isNotEmpty();
        device.flipBit(nodes.get(nodes.size() - 1).block() * BLOCK_LENGTH + 3000, 3);

        assertThat(check().errors())
                .hasSize(2)
                .anyMatch(finding -> finding.where().startsWith("space leaf at position "))
                .anyMatch(finding -> finding.what().contains("not compared"));
    }

    @Test
    void everyNodeOfEveryTreeIsRead() {
        for (int tree = 1; tree < CommitReader.treeCount(); tree++) {
            for (final NodePage node : nodes(tree)) {
                device = sound.kill();
                device.flipBit(node.block() * BLOCK_LENGTH + 17, 5);

                assertThat(check().errors())
                        .as("tree %d block %d", tree, node.block())
                        .anyMatch(finding -> finding.where().endsWith("at position " + node.block() * BLOCK_LENGTH));
            }
        }
    }

    @Test
    void aDamagedSpillNodeIsFound() {
        final long block = newest().spillBlock;
        assertThat(block).as("this store should have one").isPositive();
        device.flipBit(block * BLOCK_LENGTH + 100, 0);

        assertThat(check().errors())
                .anyMatch(finding -> finding.toString().startsWith("spill node at position " + block * BLOCK_LENGTH));
    }

    @Test
    void aDamagedCopyOfTheNewestSuperblockIsFound() {
        final Superblock newest = newest();
        device.flipBit(newest.block * BLOCK_LENGTH + 2000, 1);

        assertThat(check().errors())
                .singleElement()
                .satisfies(finding -> assertThat(finding.what())
                        .contains("the only copy of generation " + newest.generation, "block [" + newest.block + "]"));
    }

    @Test
    void aTornCopyThatAPowerLossMayHaveLeftIsNoDamage() {
        final Store store = Store.open(device);
        put(store, store.head(), 77, 5, 0, 0); // Any change; what it means is not looked at here.
        store.commit();
        final SimBlockDevice running = device.kill();
        final CheckReport before = new StoreCheck(running, CheckProgress.NONE).run();
        device = running;
        device.flipBit(newest().block * BLOCK_LENGTH + 2000, 1);

        assertThat(check().errors()).isEqualTo(before.errors());
    }

    @Test
    void withoutAnySuperblockThatIsTheFinding() {
        for (final Superblock copy : copies()) {
            device.flipBit(copy.block * BLOCK_LENGTH + 2000, 1);
        }

        final CheckReport report = check();

        assertThat(report.ok()).isFalse();
        assertThat(report.errors())
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("no superblock"));
    }

    // ---- blocks

    @Test
    void aLeakedBlockIsFound() {
        final long[] leaked = {0};
        change(store -> {
            leaked[0] = store.allocate(1) >>> 16;
            store.settle(leaked[0], 1, new UnsafeBuffer(new byte[4]), 0);
        });

        final CheckReport report = check();

        assertThat(report.blocks().leaked()).isEqualTo(1);
        assertThat(report.errors())
                .containsExactly(Finding.at(
                        "free-space map",
                        leaked[0] * BLOCK_LENGTH,
                        "1 blocks from " + leaked[0] + " on are leaked: in use without an owner"));
    }

    @Test
    void aBlockThatIsOwnedTwiceIsFound() {
        final Extent extent = someExtent();
        change(store -> copy(store.head(), extent.branch(), extent.chunk(), 0, 1_000_000, 0));

        final CheckReport report = check();

        assertThat(report.blocks().multiplyOwned()).isEqualTo(extent.length());
        assertThat(report.errors())
                .anyMatch(finding -> finding.where().startsWith("block " + extent.block() + " ")
                        && finding.what().contains("has an owner already"));
    }

    @Test
    void aBlockThatIsFreeThoughItHasAnOwnerIsFound() {
        final Extent extent = someExtent();
        change(store -> store.free(extent.block(), 1));

        assertThat(check().errors())
                .containsExactly(Finding.at(
                        "free-space map",
                        extent.block() * BLOCK_LENGTH,
                        "1 blocks from " + extent.block() + " on are free (expected: in use, for they have owners)"));
    }

    // ---- extents

    @Test
    void extentsOfTheHeadThatOverlapAreFound() {
        final Extent extent = someExtent();
        change(store -> copy(store.head(), extent.branch(), extent.chunk(), 0, extent.chunk() + 1, 0));

        assertThat(check().errors()).anyMatch(finding -> finding.what().contains("overlaps the extent before it"));
    }

    @Test
    void versionsThatLiveAtTheSameTimeAreFound() {
        final Extent extent = someVersion(Store::history, 1);
        change(store -> copy(
                store.history(), extent.branch(), extent.chunk(), extent.birth(), extent.chunk(), extent.birth() + 1));

        assertThat(check().errors())
                .anyMatch(finding -> finding.what().contains("the version before it lives until")
                        || finding.what().contains("dead before it was born"));
    }

    @Test
    void aVersionThatIsInBothTreesOfTheHistoryIsFound() {
        final Extent extent = someVersion(Store::recent, 1);
        change(store -> {
            final TreeEntry entry = new TreeEntry();
            final long hi = Key.hi(extent.branch(), extent.chunk());
            assertThat(store.recent().get(hi, Key.lo(extent.chunk(), extent.birth()), entry))
                    .isTrue();
            store.history().put(entry.hi(), entry.lo(), entry.value, 0, entry.length());
        });

        assertThat(check().errors())
                .anyMatch(finding -> finding.where().equals("history extent of " + extent)
                        && finding.what()
                                .equals("the piece at chunk " + extent.chunk() + " born in " + extent.birth()
                                        + " covers it too"));
    }

    @Test
    void aPieceThatARecentVersionCoversIsFound() {
        final Extent extent = someVersion(Store::recent, 2);
        change(store -> {
            final UnsafeBuffer zeroes = new UnsafeBuffer(new byte[ExtentLayout.CHECKSUMS_OFFSET]);
            zeroes.putInt(ExtentLayout.EPOCH_OFFSET, (int) extent.death(), java.nio.ByteOrder.LITTLE_ENDIAN);
            zeroes.putByte(ExtentLayout.LENGTH_OFFSET, (byte) 1);
            final long chunk = extent.chunk() + 1;
            store.history()
                    .put(Key.hi(extent.branch(), chunk), Key.lo(chunk, extent.birth()), zeroes, 0, zeroes.capacity());
        });

        assertThat(check().errors())
                .anyMatch(finding -> finding.where().equals("history extent of " + extent)
                        && finding.what()
                                .equals("it covers the piece at chunk " + (extent.chunk() + 1) + " born in "
                                        + extent.birth()));
    }

    @Test
    void extentsOfABranchThatDoesNotExistAreFound() {
        final Extent extent = someExtent();
        change(store -> {
            store.catalogue().remove(Key.hi(CatalogueTree.BRANCH, extent.branch()), Key.lo(extent.branch(), 0));
        });

        assertThat(check().errors())
                .anyMatch(finding -> finding.where().startsWith("head extent of branch " + extent.branch())
                        && finding.what().equals("no such branch"));
    }

    @Test
    void anExtentThatIsGoneIsMissedByTheCountAndItsBlocksAreLeaked() {
        final Extent extent = someExtent();
        change(store -> store.head().remove(Key.hi(extent.branch(), extent.chunk()), Key.lo(extent.chunk(), 0)));

        final CheckReport report = check();

        assertThat(report.blocks().leaked()).isEqualTo(extent.length());
        assertThat(report.errors()).anyMatch(finding -> finding.what().contains("mapped chunks (expected: "));
    }

    @Test
    void aRegionThatShouldBeSetIsFound() {
        change(store -> {
            final TreeEntry entry = new TreeEntry();
            while (store.regions().ceiling(0, 0, entry)) {
                store.regions().remove(entry.hi(), entry.lo());
            }
        });

        assertThat(check().errors())
                .anyMatch(finding -> finding.what().contains("is clear in the bitmap of epoch")
                        && finding.what().contains("for its death"))
                .anyMatch(finding -> finding.what().contains("is clear in the bitmap of epoch")
                        && finding.what().contains("for its birth"));
    }

    // ---- the catalogue

    @Test
    void everyRecordThatIsGoneIsMissed() {
        final Set<Long> discarded = discardedBranches();
        for (final long[] key : catalogueKeys()) {
            device = sound.kill();
            change(store -> assertThat(store.catalogue().remove(key[0], key[1])).isTrue());
            final int kind = (int) Key.a(key[0]);
            final boolean optional = kind == CatalogueTree.POLICY
                    || kind == CatalogueTree.ATTRIBUTE
                    || kind == CatalogueTree.JOB // Nothing that is lost by it shows.
                    || kind == CatalogueTree.RECLAIM // Has its own test.
                    || kind == CatalogueTree.SNAPSHOT && discarded.contains(Key.b(key[0], key[1])); // A leftover.

            assertThat(check().ok() && !optional)
                    .as("kind " + kind + " of " + Key.b(key[0], key[1]))
                    .isFalse();
        }
    }

    private Set<Long> discardedBranches() {
        return find(store -> {
            final Set<Long> branches = new HashSet<>();
            final TreeEntry entry = new TreeEntry();
            for (long branch = 0;
                    store.catalogue().ceiling(Key.hi(CatalogueTree.BRANCH, branch), Key.lo(branch, 0), entry)
                            && entry.a() == CatalogueTree.BRANCH;
                    branch = entry.b() + 1) {
                if (((CatalogueRecord.Line) CatalogueRecord.decode(entry)).discarded()) {
                    branches.add(entry.b());
                }
            }
            return branches;
        });
    }

    @Test
    void deletedVersionsThatTheReclaimerWouldNeverVisitAreFound() {
        final RandomHistory history = new RandomHistory(1);
        history.deleteWithoutReclaiming();
        device = history.finish();
        assertThat(check().ok()).isTrue();
        final List<long[]> records = catalogueKeys().stream()
                .filter(key -> Key.a(key[0]) == CatalogueTree.RECLAIM)
                .toList();
        assertThat(records).hasSize(1);
        change(store -> store.catalogue().remove(records.get(0)[0], records.get(0)[1]));

        assertThat(check().errors())
                .extracting(Finding::what)
                .contains(
                        "no snapshot sees it, and the reclaimer will not find it",
                        "no deletion record that would lead the reclaimer there");
    }

    @Test
    void aNameThatIsNotInTheIndexIsFound() {
        final List<long[]> names = catalogueKeys().stream()
                .filter(key -> Key.a(key[0]) == CatalogueTree.VOLUME_NAME)
                .toList();
        change(store -> store.catalogue().remove(names.get(0)[0], names.get(0)[1]));

        assertThat(check().errors()).singleElement().satisfies(finding -> {
            assertThat(finding.where()).startsWith("catalogue Volume[");
            assertThat(finding.what()).isEqualTo("its name is not in the index");
        });
    }

    @Test
    void aRecordThatIsNoneIsFound() {
        change(store -> put(store, store.catalogue(), CatalogueTree.SNAPSHOT, 1, 1, 3));

        assertThat(check().errors()).anyMatch(finding -> finding.where().startsWith("snapshot (6, 1, 1)"));
    }

    // ---- redirects

    @Test
    void redirectsThatBreakTheTablesRulesAreFound() {
        final Superblock newest = newest();
        final long root = newest.rootBlocks[OpenedStore.HEAD];
        rewriteSuperblock(superblock -> {
            final long[] redirects = java.util.Arrays.copyOf(superblock.redirects, superblock.redirects.length + 6);
            final int at = superblock.redirects.length;
            System.arraycopy(new long[] {root, 99, 1, 100, root, 1}, 0, redirects, at, 6);
            superblock.redirects = redirects;
        });

        assertThat(check().errors())
                .extracting(Finding::what)
                .contains("is the root of a tree", "is the target of another redirect");
    }

    @Test
    void aRedirectOfANodeThatNoParentNamesIsFound() {
        rewriteSuperblock(superblock -> {
            superblock.redirects = java.util.Arrays.copyOf(superblock.redirects, superblock.redirects.length + 3);
            final int at = superblock.redirects.length - 3;
            superblock.redirects[at] = 4000;
            superblock.redirects[at + 1] = 4001;
            superblock.redirects[at + 2] = 1;
        });

        assertThat(check().errors())
                .containsExactly(
                        Finding.at("redirect of the node", 4000L * BLOCK_LENGTH, "named by 0 parents (expected: 1)"));
    }

    @Test
    void aWrongCountOfUsedBlocksIsFound() {
        rewriteSuperblock(superblock -> superblock.usedBlocks++);

        assertThat(check().errors())
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("blocks in use (expected: "));
    }

    // ---- doing it

    private CheckReport check() {
        return new StoreCheck(device, CheckProgress.NONE).run();
    }

    private void change(final Consumer<Store> change) {
        final Store store = Store.open(device);
        store.lock();
        try {
            change.accept(store);
        } finally {
            store.unlock();
        }
        store.close();
        device = device.kill();
    }

    private static void put(
            final Store store, final Tree tree, final long a, final long b, final long c, final int length) {
        store.lock();
        try {
            tree.put(Key.hi(a, b), Key.lo(b, c), new UnsafeBuffer(new byte[length]), 0, length);
        } finally {
            store.unlock();
        }
    }

    private static void copy(
            final Tree tree, final long branch, final long chunk, final long c, final long toChunk, final long toC) {
        final TreeEntry entry = new TreeEntry();
        assertThat(tree.get(Key.hi(branch, chunk), Key.lo(chunk, c), entry)).isTrue();
        tree.put(Key.hi(branch, toChunk), Key.lo(toChunk, toC), entry.value, 0, entry.length());
    }

    private Extent someExtent() {
        return find(store -> {
            final Extent extent = new Extent();
            for (long branch = 1; branch < 100; branch++) {
                long chunk = 0;
                while (new HeadMap(store.head()).ceiling(branch, chunk, extent)) {
                    if (!extent.zeroes() && extent.length() > 2 && hasHead(store, branch)) {
                        return extent;
                    }
                    chunk = extent.end();
                }
            }
            throw new AssertionError("no extent");
        });
    }

    private static boolean hasHead(final Store store, final long branch) {
        final TreeEntry entry = new TreeEntry();
        return store.catalogue().get(Key.hi(CatalogueTree.BRANCH, branch), Key.lo(branch, 0), entry)
                && ((CatalogueRecord.Line) CatalogueRecord.decode(entry)).head();
    }

    /** One that lives for several epochs, of at least so many chunks. */
    private Extent someVersion(final java.util.function.Function<Store, Tree> tree, final int lengthMin) {
        return find(store -> {
            final TreeEntry entry = new TreeEntry();
            final Extent extent = new Extent();
            for (long branch = 1; branch < 100; branch++) {
                long chunk = 0;
                long birth = 0;
                while (new HistoryMap(store.recent(), store.history()).ceiling(branch, chunk, birth, extent)) {
                    chunk = extent.chunk();
                    if (!extent.zeroes()
                            && extent.death() - extent.birth() > 1
                            && extent.length() >= lengthMin
                            && tree.apply(store).get(Key.hi(branch, chunk), Key.lo(chunk, extent.birth()), entry)) {
                        return extent;
                    }
                    birth = extent.birth() + 1;
                }
            }
            throw new AssertionError("no version");
        });
    }

    private <T> T find(final java.util.function.Function<Store, T> search) {
        final Store store = Store.openReadOnly(device.openReadOnly());
        try {
            return search.apply(store);
        } finally {
            store.close();
        }
    }

    private List<long[]> catalogueKeys() {
        return find(store -> {
            final List<long[]> keys = new ArrayList<>();
            final TreeEntry entry = new TreeEntry();
            long hi = 0;
            long lo = 0;
            while (store.catalogue().ceiling(hi, lo, entry)) {
                keys.add(new long[] {entry.hi(), entry.lo()});
                hi = entry.hi();
                lo = entry.lo() + 1;
            }
            return keys;
        });
    }

    private List<Superblock> copies() {
        final SlotGeometry geometry = SuperblockSlots.find(device);
        return new SuperblockSlots(device, geometry).readAll(false).copies();
    }

    private Superblock newest() {
        Superblock newest = null;
        for (final Superblock copy : copies()) {
            newest = newest == null || copy.generation > newest.generation ? copy : newest;
        }
        return newest;
    }

    /** Changes all copies of the newest commit. */
    private void rewriteSuperblock(final Consumer<Superblock> change) {
        final long generation = newest().generation;
        for (final Superblock copy : copies()) {
            if (copy.generation == generation) {
                change.accept(copy);
                final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
                copy.encode(image, 0, copy.block);
                device.write(copy.block * BLOCK_LENGTH, image, 0, BLOCK_LENGTH);
            }
        }
    }

    private List<NodePage> nodes(final int tree) {
        final List<NodePage> nodes = new ArrayList<>();
        final SlotGeometry geometry = SuperblockSlots.find(device);
        new TreeWalk(new CommitReader(device, geometry, newest()), new TreeWalk.Visitor() {
                    @Override
                    public boolean node(final int number, final int level, final long home, final NodePage page) {
                        nodes.add(page);
                        return true;
                    }

                    @Override
                    public void damaged(
                            final int number, final int level, final long home, final StoreException problem) {
                        throw new AssertionError(problem);
                    }
                })
                .walk(tree);
        return nodes;
    }
}
