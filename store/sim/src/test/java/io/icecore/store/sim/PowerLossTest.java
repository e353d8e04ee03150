package io.icecore.store.sim;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static io.icecore.store.device.BlockDevice.SECTOR_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.icecore.store.sim.SimBlockDevice.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a power loss leaves: never more than the contract allows, and all of what it allows.
 *
 * <p>The second half matters as much: a simulation that is too kind passes every protocol.
 */
class PowerLossTest {
    private static final int LENGTH = 64 * BLOCK_LENGTH;
    private static final int SECTORS = LENGTH / SECTOR_LENGTH;

    private static final int OLD = 1;
    private static final int FIRST = 2;
    private static final int SECOND = 3;

    @ParameterizedTest
    @EnumSource(Survival.class)
    void leavesEverySectorOldOrSomeVersionOrDamaged(final Survival survival) {
        for (int seed = 0; seed < 200; seed++) {
            final SimBlockDevice device = deviceWithUnflushedWrites();

            final byte[] found = content(device.powerCycle(seed, survival));

            for (int sector = 0; sector < SECTORS; sector++) {
                if (!isAllowed(sector, valueOf(found, sector))) {
                    fail("seed %d, sector %d: %d", seed, sector, valueOf(found, sector));
                }
            }
        }
    }

    private static boolean isAllowed(final int sector, final int value) {
        return switch (value) {
            case OLD -> true;
            case FIRST, -1 -> sector < 32;
            case SECOND -> sector < 8;
            default -> false;
        };
    }

    @Test
    void isTheSameForTheSameSeed() {
        for (int seed = 0; seed < 100; seed++) {
            assertThat(content(deviceWithUnflushedWrites().powerCycle(seed)))
                    .isEqualTo(content(deviceWithUnflushedWrites().powerCycle(seed)));
        }
    }

    @Test
    void canBeTriedManyTimesOnOneDevice() {
        final SimBlockDevice device = deviceWithUnflushedWrites();
        final byte[] before = content(device);
        final byte[] first = content(device.powerCycle(1));
        content(device.powerCycle(2));

        assertThat(content(device.powerCycle(1))).isEqualTo(first);
        assertThat(content(device)).isEqualTo(before);
    }

    @Test
    void leavesEveryKindOfOutcomeOften() {
        int nothing = 0;
        int everything = 0;
        int mixed = 0;
        int oneMissing = 0;
        int damaged = 0;
        int older = 0;
        final int cycles = 1_000;
        final SimBlockDevice device = deviceWithUnflushedWrites();
        for (int seed = 0; seed < cycles; seed++) {
            final byte[] found = content(device.powerCycle(seed));
            int old = 0;
            int wrong = 0;
            int overtaken = 0;
            for (int sector = 0; sector < 32; sector++) {
                old += valueOf(found, sector) == OLD ? 1 : 0;
                wrong += valueOf(found, sector) == -1 ? 1 : 0;
                overtaken += sector < 8 && valueOf(found, sector) == FIRST ? 1 : 0;
            }
            nothing += old == 32 ? 1 : 0;
            everything += old + wrong + overtaken == 0 ? 1 : 0;
            oneMissing += old + wrong + overtaken == 1 ? 1 : 0;
            mixed += old > 1 && old < 31 ? 1 : 0;
            damaged += wrong > 0 ? 1 : 0;
            older += overtaken > 0 ? 1 : 0;
        }
        assertThat(List.of(nothing, everything, mixed, oneMissing, damaged, older))
                .as("nothing, everything, mixed, one missing, damaged, an older version")
                .allSatisfy(count -> assertThat(count).isGreaterThan(cycles / 20));
    }

    @Test
    void leavesSectorsOfOneBlockAtDifferentVersions() {
        int mixed = 0;
        for (int seed = 0; seed < 100; seed++) {
            final byte[] found = content(deviceWithUnflushedWrites().powerCycle(seed, Survival.SECTORS));
            boolean first = false;
            boolean second = false;
            for (int sector = 0; sector < 8; sector++) {
                first |= valueOf(found, sector) == FIRST;
                second |= valueOf(found, sector) == SECOND;
            }
            mixed += first && second ? 1 : 0;
        }
        assertThat(mixed).isGreaterThan(20);
    }

    @Test
    void keepsWholeWritesWhereTheDeviceReorders() {
        boolean reordered = false;
        for (int seed = 0; seed < 200; seed++) {
            final byte[] found = content(deviceWithUnflushedWrites().powerCycle(seed, Survival.WHOLE_WRITES));
            final int rewritten = valueOf(found, 0);
            final int single = valueOf(found, 8);
            for (int sector = 0; sector < 32; sector++) {
                if (valueOf(found, sector) != (sector < 8 ? rewritten : single)) {
                    fail("seed %d, sector %d: %d", seed, sector, valueOf(found, sector));
                }
            }
            reordered |= rewritten == SECOND && single == OLD;
        }
        assertThat(reordered).isTrue();
    }

    @Test
    void keepsAPrefixWhereTheDeviceDoesNotReorder() {
        boolean torn = false;
        for (int seed = 0; seed < 200; seed++) {
            final byte[] found = content(deviceWithUnflushedWrites().powerCycle(seed, Survival.PREFIX));
            final int first = valueOf(found, 7); // Written first, rewritten last.
            if (valueOf(found, 8) == FIRST) {
                assertThat(first).isNotEqualTo(OLD);
            }
            if (first == SECOND) {
                assertThat(valueOf(found, 31)).isEqualTo(FIRST);
            }
            torn |= valueOf(found, 8) == FIRST && valueOf(found, 31) == OLD;
        }
        assertThat(torn).isTrue();
    }

    /**
     * A protocol of two steps, data and then a record that points at it, tried at every crash point from one run. With its
     * flush no outcome breaks it; without, some do. So the simulation finds what it is there to find.
     */
    @Test
    void findsAMissingFlushAndAMissingChecksum() {
        assertThat(brokenOutcomes(true, true)).isZero();
        assertThat(brokenOutcomes(false, true)).isPositive();
        assertThat(brokenOutcomes(true, false)).isPositive();
    }

    private static int brokenOutcomes(final boolean flushing, final boolean verifying) {
        final SimBlockDevice device = new SimBlockDevice(LENGTH);
        final List<SimBlockDevice> moments = new ArrayList<>();
        final List<Integer> acknowledgedThen = new ArrayList<>();
        final int[] acknowledged = {0};
        device.onOperation(operation -> {
            moments.add(device.fork());
            acknowledgedThen.add(acknowledged[0]);
        });
        for (int generation = 1; generation <= 6; generation++) {
            write(device, generation * BLOCK_LENGTH, BLOCK_LENGTH, generation);
            if (flushing) {
                device.flush();
            }
            writeRecord(device, generation);
            device.flush();
            acknowledged[0] = generation;
        }
        int broken = 0;
        for (int moment = 0; moment < moments.size(); moment++) {
            for (int seed = 0; seed < 40; seed++) {
                final SimBlockDevice found = moments.get(moment).powerCycle(seed * 1_000L + moment);
                broken += isIntact(found, acknowledgedThen.get(moment), verifying) ? 0 : 1;
            }
        }
        return broken;
    }

    private static void writeRecord(final SimBlockDevice device, final int generation) {
        final UnsafeBuffer record = new UnsafeBuffer(new byte[SECTOR_LENGTH]);
        record.putInt(0, generation);
        record.putInt(4, crc(generation));
        device.write((generation & 1) * SECTOR_LENGTH, record, 0, SECTOR_LENGTH);
    }

    private static boolean isIntact(final SimBlockDevice device, final int acknowledged, final boolean verifying) {
        int newest = 0;
        for (int slot = 0; slot < 2; slot++) {
            final UnsafeBuffer record = new UnsafeBuffer(new byte[SECTOR_LENGTH]);
            device.read((long) slot * SECTOR_LENGTH, record, 0, SECTOR_LENGTH);
            final int generation = record.getInt(0);
            if (!verifying || record.getInt(4) == crc(generation)) {
                newest = Math.max(newest, generation);
            }
        }
        if (newest < acknowledged || newest > acknowledged + 1) {
            return false;
        }
        final byte[] found = content(device);
        for (int index = 0; newest > 0 && index < BLOCK_LENGTH; index++) {
            if (found[newest * BLOCK_LENGTH + index] != newest) {
                return false;
            }
        }
        return true;
    }

    private static int crc(final int generation) {
        final CRC32C crc = new CRC32C();
        crc.update(generation);
        return (int) crc.getValue();
    }

    @Test
    void isDurableOnceTheFlushHasEnded() {
        final SimBlockDevice device = new SimBlockDevice(LENGTH);
        final SplittableRandom random = new SplittableRandom(3);
        final byte[][] durable = {new byte[LENGTH]};
        device.onOperation(operation -> {
            if (operation.kind() == Kind.FLUSH_END) {
                durable[0] = content(device);
            }
        });
        for (int step = 0; step < 300; step++) {
            if (random.nextInt(6) == 0) {
                device.flush();
                assertThat(content(device.powerCycle(step))).isEqualTo(durable[0]);
            } else {
                write(device, random.nextInt(SECTORS) * SECTOR_LENGTH, SECTOR_LENGTH, random.nextInt(100));
            }
            assertThat(content(device.powerCycle(step, Survival.NOTHING))).isEqualTo(durable[0]);
            assertThat(content(device.powerCycle(step, Survival.EVERYTHING))).isEqualTo(content(device));
        }
    }

    /** Sectors 0 to 31 written since the flush, 0 to 7 twice; all else is {@link #OLD}. */
    private static SimBlockDevice deviceWithUnflushedWrites() {
        final SimBlockDevice device = new SimBlockDevice(LENGTH);
        write(device, 0, LENGTH, OLD);
        device.flush();
        write(device, 0, BLOCK_LENGTH, FIRST);
        write(device, BLOCK_LENGTH, 3 * BLOCK_LENGTH, FIRST);
        write(device, 0, BLOCK_LENGTH, SECOND);
        return device;
    }

    private static void write(final SimBlockDevice device, final long position, final int length, final int value) {
        final byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        device.write(position, new UnsafeBuffer(bytes), 0, length);
    }

    private static byte[] content(final SimBlockDevice device) {
        final byte[] content = new byte[LENGTH];
        device.read(0, new UnsafeBuffer(content), 0, LENGTH);
        return content;
    }

    /** The value that fills this sector, or -1 where it is not all the same: damage. */
    private static int valueOf(final byte[] content, final int sector) {
        final int start = sector * SECTOR_LENGTH;
        for (int index = 1; index < SECTOR_LENGTH; index++) {
            if (content[start + index] != content[start]) {
                return -1;
            }
        }
        return content[start] == 0 ? -1 : content[start];
    }
}
