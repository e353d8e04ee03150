package io.icecore.volume;

import io.icecore.store.sim.mutant.Mutant;
import io.icecore.volume.map.WrongMaps;
import java.util.List;

/** Wrong rules of snapshots and branches, each a small change of a right one. Every one of them looked plausible once. */
final class VolumeMutants {
    /** Enough to see in every build that the net has no hole. */
    static final List<Mutant> FEW = List.of(
            new Mutant("the next snapshot does not get the regions of a deleted one")
                    .in("volume.Regions.settle")
                    .skip("put"),
            new Mutant("a version dies one epoch late")
                    .in("volume.map.HeadWriter.save")
                    .instead("put", WrongMaps.class, "putDyingLate"),
            new Mutant("a discard in a clone leaves no zeroes")
                    .in("volume.VolumeData.discardWindow")
                    .skip("hasParent"));

    /** What nobody sees as long as the power stays on. */
    static final List<Mutant> UNSEEN = List.of(
            new Mutant("a flush commits nothing")
                    .in("volume.OpenExport.commitIf")
                    .skip("commit"),
            new Mutant("a change is answered before it is durable")
                    .in("volume.Volumes.changeDurably")
                    .skip("commit"));

    static final List<Mutant> MORE = List.of(
            // ---- region bitmaps
            new Mutant("the head does not get the regions of a deleted snapshot")
                    .in("volume.Regions.settle")
                    .instead("put", WrongRules.class, "putUnlessHead"),
            new Mutant("within a run of deleted snapshots nothing becomes a candidate")
                    .in("volume.Regions.accumulate")
                    .instead("accumulate", WrongRules.class, "orOnly"),
            new Mutant("of a run of deleted snapshots only neighbours are compared")
                    .in("volume.Regions.accumulate")
                    .instead("accumulate", WrongRules.class, "neighboursOnly"),
            new Mutant("after the end of a headless branch nothing counts as written")
                    .in("volume.Regions.settle")
                    .skip("addCandidates", 1),
            new Mutant("candidates replace those of an earlier deletion")
                    .in("volume.Regions.addCandidates")
                    .skip("or", 1),
            new Mutant("the regions of the oldest snapshots are no candidates")
                    .in("volume.SnapshotDeletion.removeRun")
                    .skip("moveToCandidates"),
            new Mutant("a snapshot loses the regions of the head")
                    .in("volume.SnapshotChanges.take")
                    .last(WrongRules.class, "dropRegionsTaken"),
            new Mutant("a snapshot leaves the region log to the epoch after it")
                    .in("volume.SnapshotChanges.take")
                    .skip("fold"),
            new Mutant("a deletion does not look into the region log")
                    .in("volume.SnapshotDeletion.remove")
                    .skip("fold"),
            new Mutant("a discard sets no regions")
                    .in("volume.VolumeData.discardWindow")
                    .first(WrongRules.class, "beginDiscard")
                    .in("volume.VolumeData.discardWindow")
                    .last(WrongRules.class, "endDiscard")
                    .in("volume.VolumeData.changed")
                    .instead("add", WrongRules.class, "addUnlessDiscarding"),
            new Mutant("a write sets no regions")
                    .in("volume.VolumeData.changed")
                    .skip("add"),
            // ---- reclaiming
            new Mutant("a mark does not restart the region that is being scanned")
                    .in("volume.Reclaimer.marked")
                    .returns(null),
            new Mutant("a region's bit is cleared before its last entry")
                    .in("volume.Reclaimer.visitCandidates")
                    .instead("doneBefore", WrongRules.class, "oneTooFar"),
            new Mutant("the deletion record goes while candidates are left")
                    .in("volume.Reclaimer.visitCandidates")
                    .returns(true),
            new Mutant("the reclaimer asks who was kept at the time of the mark")
                    .in("volume.SnapshotDeletion.remove")
                    .last(WrongRules.class, "rememberKept")
                    .in("volume.Reclaimer.visit")
                    .instead("sees", WrongRules.class, "seesAsMarked"),
            new Mutant("of a headless branch only the history is visited")
                    .in("volume.Reclaimer.visitCandidates")
                    .instead("start", WrongRules.class, "startWithoutHead"),
            new Mutant("of a discarded branch only the history is visited")
                    .in("volume.Reclaimer.scanSome")
                    .instead("ceiling", WrongRules.class, "ceilingOfHistoryOnly"),
            new Mutant("a second mark does not widen the range of births")
                    .in("volume.SnapshotDeletion.removeRun")
                    .instead("includeBirths", WrongRules.class, "firstBirthsOnly"),
            new Mutant("what the reclaimer removes is not freed")
                    .in("volume.Reclaimer.visit")
                    .skip("free"),
            new Mutant("a discarded branch is not visited")
                    .in("volume.SnapshotDeletion.discard")
                    .skip("includeAll"),
            // ---- branches
            new Mutant("a deleted snapshot with children is not kept")
                    .in("volume.SnapshotDeletion.mark")
                    .skip("contains"),
            new Mutant("a hidden snapshot stays when its last child has left")
                    .in("volume.SnapshotDeletion.childLeft")
                    .returns(null),
            new Mutant("zeroes are dropped, not saved for snapshots")
                    .in("volume.map.HeadWriter.save")
                    .instead("put", WrongMaps.class, "putUnlessZeroes"),
            new Mutant("an heir gets nothing for its old snapshots")
                    .in("volume.map.Heir.inherit")
                    .skip("put", 2),
            new Mutant("what is inherited counts as written lately")
                    .in("volume.map.Heir.inherit")
                    .instead("put", WrongMaps.class, "putBornLate"),
            new Mutant("adoption goes on while its source is target of another job")
                    .in("volume.Inheritance.adoptionDue")
                    .skip("anyMatch"),
            new Mutant("adoption drops zeroes")
                    .in("volume.Inheritance.adoptSome")
                    .instead("inherit", WrongRules.class, "inheritUnlessZeroes"),
            new Mutant("a rollback leaves the old branch its head")
                    .in("volume.BranchChanges.rollback")
                    .skip("remove"),
            new Mutant("nobody looks for what has become superfluous")
                    .in("volume.Volumes.tidyLater")
                    .returns(null),
            // ---- looking up, writing
            new Mutant("a look-up takes the nearest start only")
                    .in("volume.map.HistoryMap.find")
                    .constant(64, 1),
            new Mutant("what is drained stays recent")
                    .in("store.tree.Tree.tryMoveTo")
                    .skip("remove"),
            new Mutant("what is drained is nowhere")
                    .in("store.tree.Tree.tryMoveTo")
                    .skip("putOnPath"),
            new Mutant("a version dies one epoch early")
                    .in("volume.map.HeadWriter.save")
                    .instead("put", WrongMaps.class, "putDyingEarly"),
            new Mutant("writes save nothing for snapshots")
                    .in("volume.VolumeData.map")
                    .skip("newest"),
            new Mutant("writes save versions for deleted snapshots")
                    .in("volume.VolumeData.map")
                    .instead("newest", WrongRules.class, "newestEver"),
            new Mutant("growing brings back what shrinking cut off")
                    .in("volume.VolumeChanges.resize")
                    .skip("discard"),
            new Mutant("a mark does not carry the counters on")
                    .in("volume.SnapshotDeletion.carryCounters")
                    .returns(null),
            // ---- durability
            new Mutant("opening forgets the counters in the notes")
                    .in("volume.CommitNotes.takeArrived")
                    .skip("putAll"),
            new Mutant("opening forgets the region log in the notes")
                    .in("volume.CommitNotes.takeArrived")
                    .skip("forEach"));

    private VolumeMutants() {}
}
