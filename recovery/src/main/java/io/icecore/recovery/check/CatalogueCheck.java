package io.icecore.recovery.check;

import io.icecore.store.tree.Key;
import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.CatalogueTree;
import io.icecore.volume.RegionBitmap;
import java.util.function.BooleanSupplier;

/**
 * Do the records of the catalogue fit each other? Every record is looked at once, in the order of the tree, and looks up
 * those it depends on: names and records both ways, branches and their parents, snapshots and their counts.
 */
final class CatalogueCheck {
    private final CatalogueLookup lookup;
    private final Findings findings;
    private final RegionBitmap regions = new RegionBitmap();
    private CatalogueRecord.Counters counters;

    CatalogueCheck(final CatalogueLookup lookup, final Findings findings) {
        this.lookup = lookup;
        this.findings = findings;
        counters = lookup.find(CatalogueRecord.Counters.class, CatalogueTree.COUNTERS, 0, 0);
        if (counters == null) {
            counters = new CatalogueRecord.Counters(1, 1); // Nothing was ever made.
        }
    }

    void record(final CatalogueRecord record) {
        // One kind after the other; a switch over types is not in our version of the language yet.
        if (record instanceof CatalogueRecord.Volume volume) {
            volume(volume);
        } else if (record instanceof CatalogueRecord.VolumeName name) {
            volumeName(name);
        } else if (record instanceof CatalogueRecord.Line line) {
            branch(line);
        } else if (record instanceof CatalogueRecord.VolumeBranch link) {
            final CatalogueRecord.Line line = lookup.branch(link.branch());
            require(line != null && line.volume() == link.volume(), link, "no such branch of that volume");
        } else if (record instanceof CatalogueRecord.Point point) {
            point(point);
        } else if (record instanceof CatalogueRecord.PointName name) {
            pointName(name);
        } else if (record instanceof CatalogueRecord.Child child) {
            child(child);
        } else if (record instanceof CatalogueRecord.Policy policy) {
            require(lookup.volume(policy.volume()) != null, policy, "no such volume");
        } else if (record instanceof CatalogueRecord.Attribute attribute) {
            require(lookup.volume(attribute.volume()) != null, attribute, "no such volume");
        } else if (record instanceof CatalogueRecord.Deletion deletion) {
            require(lookup.branch(deletion.branch()) != null, deletion, "no such branch");
        } else if (record instanceof CatalogueRecord.Job job) {
            // A job may outlive its branches: it ends when its turn comes. Their numbers are never given out again.
            require(
                    job.child() < counters.nextBranch() && job.parent() < counters.nextBranch(),
                    job,
                    "numbers not given out yet: " + counters);
        }
    }

    private void volume(final CatalogueRecord.Volume volume) {
        require(volume.id() < counters.nextVolume(), volume, "number not given out yet: " + counters);
        require(
                volume.sizeBytes() > 0 && volume.sizeBytes() % 4096 == 0,
                volume,
                "size (expected: a positive multiple of 4096)");
        if (volume.deleted()) {
            return;
        }
        final CatalogueRecord.Line line = lookup.branch(volume.branch());
        require(line != null && line.volume() == volume.id() && line.head(), volume, "no head: " + line);
        final boolean[] named = {false};
        lookup.each(
                CatalogueRecord.VolumeName.class,
                CatalogueTree.VOLUME_NAME,
                volume.nameHash(),
                name -> named[0] |= name.volume() == volume.id());
        require(named[0], volume, "its name is not in the index");
    }

    private void volumeName(final CatalogueRecord.VolumeName name) {
        final CatalogueRecord.Volume volume = lookup.volume(name.volume());
        require(
                volume != null && !volume.deleted() && volume.nameHash() == name.hash(),
                name,
                "no volume of that name");
    }

    private void branch(final CatalogueRecord.Line line) {
        require(line.number() < counters.nextBranch(), line, "number not given out yet: " + counters);
        require(lookup.volume(line.volume()) != null, line, "no such volume");
        require(
                lookup.find(
                                CatalogueRecord.VolumeBranch.class,
                                CatalogueTree.VOLUME_BRANCH,
                                line.volume(),
                                line.number())
                        != null,
                line,
                "not among the branches of its volume");
        if (line.parentBranch() != 0) {
            final CatalogueRecord.Child child =
                    lookup.find(CatalogueRecord.Child.class, CatalogueTree.CHILD, line.parentBranch(), line.number());
            require(child != null && child.epoch() == line.parentEpoch(), line, "not among the children of its parent");
            require(
                    lookup.point(line.parentBranch(), line.parentEpoch()) != null,
                    line,
                    "the snapshot it stands on is not kept");
            require(line.parentBranch() < line.number(), line, "parent is younger than it is");
        }
        if (!line.discarded()) {
            keptCounts(line);
        }
    }

    private void keptCounts(final CatalogueRecord.Line line) {
        final int[] counts = new int[3];
        lookup.each(CatalogueRecord.Point.class, CatalogueTree.SNAPSHOT, line.number(), point -> {
            counts[0]++;
            counts[1] += point.hidden() ? 1 : 0;
            counts[2] += point.holds().isEmpty() ? 0 : 1;
        });
        require(
                counts[0] == line.kept() && counts[1] == line.hidden() && counts[2] == line.held(),
                line,
                "has " + counts[0] + " snapshots, " + counts[1] + " hidden, " + counts[2] + " held (expected: "
                        + line.kept() + ", " + line.hidden() + ", " + line.held() + ")");
    }

    private void point(final CatalogueRecord.Point point) {
        final CatalogueRecord.Line line = lookup.branch(point.branch());
        require(line != null, point, "no such branch");
        if (line == null || line.discarded()) {
            return;
        }
        require(1 <= point.epoch() && point.epoch() < line.epoch(), point, "epoch (expected: < " + line.epoch() + ")");
        if (!point.hidden()) {
            final boolean[] named = {false};
            lookup.each(
                    CatalogueRecord.PointName.class,
                    CatalogueTree.SNAPSHOT_NAME,
                    point.nameHash(line.volume()),
                    name -> named[0] |= name.branch() == point.branch() && name.epoch() == point.epoch());
            require(named[0], point, "its name is not in the index");
        }
    }

    private void pointName(final CatalogueRecord.PointName name) {
        final CatalogueRecord.Point point = lookup.point(name.branch(), name.epoch());
        require(
                point != null && !point.hidden() && point.nameHash(name.volume()) == name.hash(),
                name,
                "no snapshot of that name");
    }

    private void child(final CatalogueRecord.Child child) {
        final CatalogueRecord.Line line = lookup.branch(child.child());
        require(
                line != null && line.parentBranch() == child.parent() && line.parentEpoch() == child.epoch(),
                child,
                "no such branch on that snapshot");
    }

    /** A container of a region bitmap, as found in the regions tree. */
    void container(
            final org.agrona.DirectBuffer value,
            final int length,
            final long branch,
            final long epoch,
            final long container,
            final BranchFacts facts) {
        regions.clear();
        regions.orEncoded(value, 0, length);
        final String where = "region bitmap (" + branch + ", " + epoch + ", " + container + ")";
        if (facts == null) {
            findings.add(new Finding(where, "no such branch"));
        } else if (!facts.line.discarded()) {
            final boolean head = facts.line.head() && epoch == facts.line.epoch();
            if (epoch == RegionLookup.CANDIDATES) {
                requireThat(
                        where, "no deletion record that would lead the reclaimer there", () -> facts.deletion != null);
            } else {
                requireThat(where, "no such snapshot is kept", () -> head || facts.isKept(epoch));
            }
        }
        requireThat(
                where, "container beyond every volume", () -> container <= Key.B_MAX >>> RegionBitmap.CONTAINER_SHIFT);
    }

    private void require(final boolean holds, final CatalogueRecord record, final String problem) {
        if (!holds) {
            findings.add(new Finding("catalogue " + record, problem));
        }
    }

    private void requireThat(final String where, final String problem, final BooleanSupplier holds) {
        if (!holds.getAsBoolean()) {
            findings.add(new Finding(where, problem));
        }
    }
}
