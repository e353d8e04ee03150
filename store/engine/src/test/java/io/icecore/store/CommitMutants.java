package io.icecore.store;

import io.icecore.store.commit.WrongCommits;
import io.icecore.store.sim.mutant.Mutant;
import io.icecore.store.space.WrongSpace;
import io.icecore.store.tree.WrongTrees;
import java.util.ArrayList;
import java.util.List;

/** The engine with one rule of its protocols broken each. */
final class CommitMutants {
    private static final String COMMITTER = "store.commit.Committer.";
    private static final String OPENER = "store.commit.Opener.";
    private static final String SLOTS = "store.commit.SuperblockSlots.";
    private static final String SPACE = "store.space.FreeSpaceMap.";
    private static final String FOREST = "store.tree.Forest.";

    private CommitMutants() {}

    private static Mutant mutant(final String name) {
        return new Mutant(name);
    }

    static List<Mutant> all() {
        final List<Mutant> all = new ArrayList<>();
        all.addAll(committing());
        all.addAll(slots());
        all.addAll(space());
        all.addAll(trees());
        all.addAll(opening());
        all.addAll(reading());
        return all;
    }

    private static List<Mutant> committing() {
        return List.of(
                mutant("no flush at the commit point")
                        .in(COMMITTER + "commitNow")
                        .skip("flush", 2),
                mutant("no flush before a superblock that lists nothing")
                        .in(COMMITTER + "commitNow")
                        .skip("flush", 1),
                mutant("a failed commit does not end writing")
                        .in(COMMITTER + "commitNow")
                        .skip("poison"),
                mutant("poison is ignored").in(COMMITTER + "ensureUsable").returns(null),
                mutant("a superblock is written before its parent is durable")
                        .in(COMMITTER + "commitNow")
                        .first(WrongCommits.class, "writeOneAhead"),
                mutant("what is written during a flush is not listed")
                        .in(COMMITTER + "publish")
                        .first(WrongCommits.class, "forgetUncovered"),
                mutant("nodes are not listed")
                        .in("store.log.SegmentWriter.write")
                        .skip("add"),
                mutant("data is not listed").in("store.Store.settle").skip("add"),
                mutant("spill nodes are not listed")
                        .in(COMMITTER + "spillSpaceLog")
                        .skip("add"),
                mutant("superseded blocks are listed")
                        .in("store.commit.CommitSpace.free")
                        .skip("remove")
                        .in("store.Store.free")
                        .skip("remove"),
                mutant("there is never anything to commit")
                        .in(COMMITTER + "pendingChanges")
                        .returns(false),
                mutant("closing does not seal").in("store.Store.close").skip("commitEmpty"),
                mutant("rest does not seal").in("store.Store.idle").skip("commitEmpty"),
                mutant("the device's new length is not flushed")
                        .in(COMMITTER + "growDevice")
                        .skip("flush"));
    }

    private static List<Mutant> slots() {
        return List.of(
                mutant("one copy of a superblock").in(SLOTS + "write").constant(2, 1),
                mutant("both copies in one group")
                        .in(SLOTS + "announce")
                        .instead("pick", WrongCommits.class, "pickNear")
                        .in(SLOTS + "besideAnyOf")
                        .returns(false),
                mutant("replacements in the same group")
                        .in(SLOTS + "besideAnyOf")
                        .returns(false),
                mutant("no slot is protected").in(SLOTS + "protect").returns(null),
                mutant("only the newest commit's slots are protected")
                        .in(SLOTS + "protect")
                        .last(WrongCommits.class, "forgetOlder")
                        .in(SLOTS + "announce")
                        .skip("addAll", 2),
                mutant("opening does not protect what it chose")
                        .in(OPENER + "open")
                        .skip("protect"),
                mutant("slots are allocated").in("store.space.Segment.fence").returns(null),
                mutant("superblocks are looked for in the first group only")
                        .in(SLOTS + "find")
                        .skip("add"));
    }

    private static List<Mutant> space() {
        return List.of(
                mutant("allocations are not logged").in(SPACE + "settle").skip("append"),
                mutant("frees are not logged").in(SPACE + "free").skip("append"),
                mutant("runs in flight are part of the commit")
                        .in("store.Store.allocate")
                        .instead("allocate", WrongSpace.class, "allocateSettled")
                        .in("store.Store.settle")
                        .skip("settle")
                        .in("store.Store.abandon")
                        .skip("abandon"),
                mutant("blocks are free at once").in(SPACE + "free").last(WrongSpace.class, "releaseAtOnce"),
                mutant("blocks are free when the commit that freed them is durable")
                        .in(SPACE + "unpin")
                        .constant(1, 0, 1),
                mutant("a block is written twice between two durable commits")
                        .in(SPACE + "settle")
                        .first(WrongSpace.class, "settled")
                        .in(SPACE + "cut")
                        .first(WrongSpace.class, "newCommit")
                        .in(SPACE + "free")
                        .last(WrongSpace.class, "releaseRecent"),
                mutant("what a space fold frees is not logged")
                        .in(SPACE + "fold")
                        .last(WrongSpace.class, "clearLog"),
                mutant("what a space fold writes is not logged")
                        .in(COMMITTER + "foldSpace")
                        .last(WrongCommits.class, "foldedSpace")
                        .in(FOREST + "describe")
                        .first(WrongCommits.class, "loseLogOfFold"),
                mutant("a space fold forgets to free the spill nodes")
                        .in(COMMITTER + "foldSpace")
                        .skip("free"),
                mutant("a space fold leaves entries of free segments")
                        .in("store.commit.SpaceTree.store")
                        .skip("remove"),
                mutant("the chain of spill nodes is cut")
                        .in(COMMITTER + "spillSpaceLog")
                        .skip("spillBlock", 1),
                mutant("the superblock does not name the newest spill node")
                        .in(COMMITTER + "spillSpaceLog")
                        .skip("spillBlock", 2));
    }

    private static List<Mutant> trees() {
        return List.of(
                mutant("the old block of a redirect is free at once")
                        .in(FOREST + "relocate/1")
                        .first(WrongTrees.class, "writing")
                        .in(FOREST + "relocate")
                        .instead("put", WrongTrees.class, "putAndFree")
                        .in(FOREST + "takeOverRedirects")
                        .skip("free"),
                mutant("redirects make chains").in(FOREST + "relocate").instead("put", WrongTrees.class, "putChained"),
                mutant("redirects that were taken over stay")
                        .in(FOREST + "takeOverRedirects")
                        .skip("remove"),
                mutant("a new root is still redirected")
                        .in("store.tree.Tree.lowerRoot")
                        .instead("withoutRedirect", WrongTrees.class, "sameHome"),
                mutant("a full redirect table is not folded")
                        .in(FOREST + "relocate/1")
                        .skip("fold"),
                mutant("a merged node keeps its first key")
                        .in("store.tree.Tree.mergeAt")
                        .skip("key"),
                mutant("a dropped node is not freed").in(FOREST + "drop").skip("free", 1),
                mutant("the target of a dropped redirect is not freed")
                        .in(FOREST + "drop")
                        .skip("free", 2));
    }

    private static List<Mutant> opening() {
        return List.of(
                mutant("opening does not flush first").in(OPENER + "open").skip("flush"),
                mutant("the newest commit is not verified")
                        .in(OPENER + "complete")
                        .returns(true),
                mutant("only the identity of its nodes is verified")
                        .in(OPENER + "open")
                        .instead("complete", WrongCommits.class, "completeByIdentity"),
                mutant("opening falls back further than to the parent")
                        .in(OPENER + "open")
                        .instead("parentOf", WrongCommits.class, "nextBelow"),
                mutant("what cannot be read is taken for torn")
                        .in(OPENER + "complete")
                        .instead("readMedium", WrongCommits.class, "readOrNothing"),
                mutant("a slot that may hold something newer may be unreadable")
                        .in(OPENER + "refuseIfNewerMayBeUnreadable")
                        .returns(null),
                mutant("opening reads stale pages")
                        .in(OPENER + "complete")
                        .instead("readMedium", WrongCommits.class, "readCached")
                        .in(SLOTS + "read")
                        .instead("readMedium", WrongCommits.class, "readCached"),
                mutant("two writers are not told apart")
                        .in(OPENER + "open")
                        .instead("newest", WrongCommits.class, "newestOfAnybody"),
                mutant("opening makes no commit")
                        .in(OPENER + "openingCommit")
                        .instead("write", WrongCommits.class, "writeNothing")
                        .in(OPENER + "openingCommit")
                        .skip("flush"),
                mutant("the opening commit is not flushed")
                        .in(OPENER + "openingCommit")
                        .skip("flush"),
                mutant("generations go on by one").in(OPENER + "openingCommit").constant(16, 1),
                mutant("the opening commit forgets the notes")
                        .in(OPENER + "openingCommit")
                        .instead("write", WrongCommits.class, "writeWithoutNotes"));
    }

    private static List<Mutant> reading() {
        return List.of(
                mutant("any generation of a node will do")
                        .in("store.format.NodePage.verify")
                        .skip("expect", 1),
                mutant("the checksum of a node is not verified")
                        .in("store.format.NodePage.verifyIdentity")
                        .skip("expect", 2),
                mutant("a node's own block is not verified")
                        .in("store.format.NodePage.verifyIdentity")
                        .skip("expect", 3),
                mutant("the checksum of a superblock is not verified")
                        .in("store.format.Superblock.decode")
                        .skip("expect", 2),
                mutant("a superblock's own block is not verified")
                        .in("store.format.Superblock.decode")
                        .skip("expect", 3),
                mutant("a reader does not ask whether its blocks were reused")
                        .in("store.commit.ReadOnlyView.unchangedSince")
                        .returns(true),
                mutant("a look-up in the writer does not ask whether its blocks were reused")
                        .in("store.Store.unchangedSince")
                        .constant(2, 1 << 30));
    }
}
