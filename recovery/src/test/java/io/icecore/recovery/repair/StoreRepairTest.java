package io.icecore.recovery.repair;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.recovery.check.CheckProgress;
import io.icecore.recovery.check.CheckReport;
import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.check.Finding;
import io.icecore.recovery.check.RandomHistory;
import io.icecore.recovery.check.StoreCheck;
import io.icecore.recovery.check.TreeWalk;
import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.Opener;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.sim.PowerLoss;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.SlotGeometry;
import io.icecore.volume.map.ExtentLayout;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.WeakHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/**
 * What a repair saves is what it was; what it does not save, or is not sure of, it reports. {@code -Drepair.seed=N} replays,
 * {@code -Drepair.histories=N} tries more.
 */
class StoreRepairTest {
    private static final Pattern RANGE = Pattern.compile("(.+) (head|snapshots) offset ([0-9]+) length ([0-9]+)");
    private static final int HISTORIES = Integer.getInteger("repair.histories", 3);
    private static final int STEPS = Integer.getInteger("repair.steps", 200);
    private static final int NODES_TRIED = Integer.getInteger("repair.nodes", 25);

    private static final Map<SimBlockDevice, StoreContents> EXPECTED = new WeakHashMap<>();

    private final long seed = Long.getLong("repair.seed", System.nanoTime());

    @Test
    void aSoundStoreIsNotTouched() {
        final SimBlockDevice device = store(seed);

        final RepairReport report = repair(device);

        assertThat(report.sound()).isTrue();
        assertThat(device.operations()).isZero();
    }

    @Test
    void everythingIsSavedWhenAllSuperblocksAreLost() {
        for (int i = 0; i < HISTORIES; i++) {
            final SimBlockDevice sound = store(seed + i);
            final SimBlockDevice device = sound.kill();
            destroySuperblocks(device);
            final SimBlockDevice copy = new SimBlockDevice(device.length());

            final RepairReport into =
                    new StoreRepair(device, Clock.systemUTC(), StoreRepair.Progress.NONE).into(null, () -> copy);
            assertThat(device.operations()).as("the source is not written").isLessThanOrEqualTo(64 * 4);
            final RepairReport inPlace = repair(device);

            compare(sound, copy, into, "into, " + replay(seed + i));
            compare(sound, device, inPlace, "in place, " + replay(seed + i));
            assertThat(inPlace.losses()).isEqualTo(into.losses());
            System.out.println("StoreRepairTest " + replay(seed + i) + " without superblocks: "
                    + inPlace.losses().size() + " losses, " + inPlace.changes());
        }
    }

    /** Each node of each tree, destroyed alone, while a superblock is left. */
    @Test
    void nothingIsLostUnreportedWhenANodeIsDestroyed() {
        final SimBlockDevice sound = store(seed);
        int complete = 0;
        int tried = 0;
        final List<NodePage> nodes = nodes(sound);
        Collections.shuffle(nodes, new Random(seed));
        for (final NodePage node : nodes.subList(0, Math.min(nodes.size(), NODES_TRIED))) {
            final SimBlockDevice device = sound.kill();
            device.flipBit(node.block() * BLOCK_LENGTH + 2000, 3);

            final RepairReport report = repair(device);

            compare(
                    sound,
                    device,
                    report,
                    "tree " + node.tree() + " level " + node.level() + " block " + node.block() + ", " + replay(seed));
            if (node.tree() == OpenedStore.SPACE || node.tree() == OpenedStore.REGIONS) {
                assertThat(report.losses()).as(replay(seed)).isEmpty();
            }
            tried++;
            complete += report.complete() ? 1 : 0;
        }
        System.out.println(
                "StoreRepairTest " + complete + " of " + tried + " stores with one lost node saved completely");
    }

    @Test
    void nothingIsLostUnreportedWhenSeveralNodesAreDestroyed() {
        final SplittableRandom random = new SplittableRandom(seed);
        final SimBlockDevice sound = store(seed);
        final List<NodePage> nodes = nodes(sound);
        int refused = 0;
        for (int round = 0; round < 8 * HISTORIES; round++) {
            final SimBlockDevice device = sound.kill();
            for (int i = 0; i < 1 + random.nextInt(4); i++) {
                final long block = nodes.get(random.nextInt(nodes.size())).block();
                device.flipBit(block * BLOCK_LENGTH + random.nextInt(BLOCK_LENGTH), random.nextInt(8));
            }

            try {
                compare(sound, device, repair(device), "round " + round + ", " + replay(seed));
            } catch (
                    final StoreException
                            ex) { // What is left of old states may contradict what is sure: then it says so.
                assertThat(ex).as(replay(seed)).hasMessageContaining("would not be consistent, nothing is changed");
                refused++;
            }
        }
        System.out.println("StoreRepairTest " + refused + " of " + 8 * HISTORIES + " refused");
        assertThat(refused).as(replay(seed)).isLessThanOrEqualTo(HISTORIES);
    }

    @Test
    void aRepairThatAPowerLossCutsOffCanBeRepeated() {
        final SimBlockDevice sound = store(seed);
        final SimBlockDevice damaged = sound.kill();
        destroySuperblocks(damaged);
        final SimBlockDevice leaf = sound.kill();
        leaf.flipBit(nodes(sound).get(0).block() * BLOCK_LENGTH + 2000, 3);
        for (final SimBlockDevice before : List.of(flushed(damaged), flushed(leaf))) {
            final SimBlockDevice whole = before.kill();
            final RepairReport first = repair(whole);
            final SplittableRandom random = new SplittableRandom(seed);
            for (long operation = 0; operation < whole.operations(); operation += 1 + random.nextInt(6)) {
                final SimBlockDevice device = before.kill();
                device.losePowerAt(operation);
                try {
                    repair(device);
                } catch (final StoreException ex) {
                    assertThat(ex)
                            .as("a power loss, or what came of one")
                            .satisfiesAnyOf(
                                    failure -> assertThat(failure).isInstanceOf(PowerLoss.class),
                                    failure -> assertThat(failure).hasCauseInstanceOf(PowerLoss.class));
                }
                final SimBlockDevice after = device.powerCycle(random.nextLong());

                final RepairReport report = repair(after);

                compare(sound, after, report.sound() ? first : report, "operation " + operation + ", " + replay(seed));
            }
        }
    }

    @Test
    void whatIsNoStoreIsSaidToBeNone() {
        final SimBlockDevice device = new SimBlockDevice(16 << 20);
        assertThatThrownBy(() -> repair(device))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("not an Icecore store");
        assertThat(device.operations()).isZero();
    }

    @Test
    void twoStoresWithoutASuperblockHaveToBeToldApart() {
        final RandomHistory history = new RandomHistory(1);
        history.steps(60);
        final SimBlockDevice device = history.finish();
        Store.format(device, "second");
        final Store second = Store.open(device);
        second.lock();
        second.catalogue().put(1L << 16, 0, new UnsafeBuffer(new byte[20]), 0, 20);
        second.unlock();
        second.close();
        final SimBlockDevice reopened = device.kill();
        destroySuperblocks(reopened);

        assertThatThrownBy(() -> repair(reopened)).hasMessageContaining("nodes of several stores");
    }

    // ---- doing it

    private static String replay(final long seed) {
        return "-Drepair.seed=" + seed;
    }

    private static SimBlockDevice store(final long seed) {
        System.out.println("StoreRepairTest " + replay(seed));
        final RandomHistory history = new RandomHistory(seed);
        history.steps(STEPS);
        history.churn();
        history.steps(STEPS / 5);
        return flushed(history.finish());
    }

    private static SimBlockDevice flushed(final SimBlockDevice device) {
        final SimBlockDevice copy = device.kill();
        copy.flush();
        return copy.kill();
    }

    private static RepairReport repair(final SimBlockDevice device) {
        return new StoreRepair(device, Clock.systemUTC(), StoreRepair.Progress.NONE).inPlace(null);
    }

    private static void destroySuperblocks(final SimBlockDevice device) {
        final SlotGeometry geometry = SuperblockSlots.find(device);
        final UnsafeBuffer noise = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        noise.setMemory(0, BLOCK_LENGTH, (byte) 0x5A);
        for (int slot = 0; slot < geometry.slotBlocks(device.length() / BLOCK_LENGTH); slot++) {
            device.write(geometry.slotBlock(slot) * BLOCK_LENGTH, noise, 0, BLOCK_LENGTH);
        }
    }

    /** Every difference is one that the report names. */
    private static void compare(
            final SimBlockDevice before, final SimBlockDevice after, final RepairReport report, final String replay) {
        final CheckReport check = new StoreCheck(after, CheckProgress.NONE).run();
        assertThat(check.errors()).as(replay).isEmpty();
        final StoreContents expected = EXPECTED.computeIfAbsent(before, StoreContents::of);
        final StoreContents found = StoreContents.of(after);
        if (report.losses().stream().anyMatch(loss -> loss.where().startsWith("catalogue"))
                || !report.changes().isEmpty()) {
            return; // Of which the names are lost, nothing can be compared by name.
        }
        assertThat(found.facts).as(replay).isEqualTo(expected.facts);
        for (final String name : expected.chunks.keySet()) {
            final TreeSet<Long> chunks = new TreeSet<>(expected.chunks.get(name).keySet());
            chunks.addAll(found.chunks.get(name).keySet());
            for (final long chunk : chunks) {
                final Integer wanted = expected.chunks.get(name).get(chunk);
                final Integer got = found.chunks.get(name).get(chunk);
                if (wanted == null ? got != null : !wanted.equals(got)) {
                    assertThat(reported(report.losses(), name, expected.clones, chunk))
                            .as(
                                    "%s chunk %d: %s instead of %s; %s; %s",
                                    name, chunk, got, wanted, report.losses(), replay)
                            .isTrue();
                }
            }
        }
    }

    /** Of that volume; a clone's chunk may be lost in the one it stands on. */
    private static boolean reported(
            final List<Finding> losses, final String name, final Set<String> clones, final long chunk) {
        final String volume = name.contains("@") ? name.substring(0, name.indexOf('@')) : name;
        for (final Finding loss : losses) {
            final Matcher matcher = RANGE.matcher(loss.where());
            if (matcher.matches() && (matcher.group(1).equals(volume) || clones.contains(volume))) {
                final long from = Long.parseLong(matcher.group(3)) / BLOCK_LENGTH;
                final long length = Long.parseLong(matcher.group(4)) / BLOCK_LENGTH;
                final boolean lastReachesFurther = loss.what().startsWith("a node is lost");
                if (from <= chunk && chunk < from + length + (lastReachesFurther ? ExtentLayout.LENGTH_MAX - 1 : 0)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static List<NodePage> nodes(final SimBlockDevice device) {
        final SlotGeometry geometry = SuperblockSlots.find(device);
        final List<NodePage> nodes = new ArrayList<>();
        new TreeWalk(
                        new CommitReader(
                                device, geometry, Opener.newestReadable(device, new SuperblockSlots(device, geometry))),
                        new TreeWalk.Visitor() {
                            @Override
                            public boolean node(final int tree, final int level, final long home, final NodePage page) {
                                nodes.add(page);
                                return true;
                            }

                            @Override
                            public void damaged(
                                    final int tree, final int level, final long home, final StoreException problem) {
                                throw problem;
                            }
                        })
                .all();
        return nodes;
    }
}
