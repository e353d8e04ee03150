package io.icecore.store.sim;

import static io.icecore.store.device.BlockDevice.SECTOR_LENGTH;

import io.icecore.store.sim.UnflushedWrites.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * What is found when power returns: the durable content, with the unflushed writes landed, lost or spoiled.
 *
 * <p>All by seeded throws, in an order that depends on nothing but the writes: same writes, same seed, same image.
 */
final class Landing {
    /** The odds that a sector landed, out of 64; and that it is damaged. Rare and certain are both frequent. */
    private static final int[] LANDED_OUT_OF_64 = {1, 8, 32, 32, 56, 63, 64};

    private static final int[] DAMAGED_OUT_OF_64 = {0, 0, 1, 8, 32};

    /** What was written to one sector, newest first. */
    private static final class Version {
        final Write write;
        final int offset;
        final Version older;
        final int count;

        Version(final Write write, final int offset, final Version older) {
            this.write = write;
            this.offset = offset;
            this.older = older;
            this.count = older == null ? 1 : older.count + 1;
        }

        Version before(final int steps) {
            Version version = this;
            for (int step = 0; step < steps; step++) {
                version = version.older;
            }
            return version;
        }
    }

    private final List<Write> writes;
    private final PageMap medium;
    private final PageMap device;
    private final SplittableRandom random;
    private final byte[] sector = new byte[SECTOR_LENGTH];
    private PageMap image;

    private Landing(
            final List<Write> writes, final PageMap medium, final PageMap device, final SplittableRandom random) {
        this.writes = writes;
        this.medium = medium;
        this.device = device;
        this.random = random;
    }

    /**
     * @param medium the content as of the last completed flush
     * @param device the same with all of {@code writes}
     */
    static PageMap image(
            final List<Write> writes,
            final PageMap medium,
            final PageMap device,
            final Survival survival,
            final SplittableRandom random) {
        final Landing landing = new Landing(writes, medium, device, random);
        if (writes.isEmpty()) {
            return medium.fork();
        }
        switch (survival) {
            case NOTHING -> landing.image = medium.fork();
            case EVERYTHING -> landing.image = device.fork();
            case SECTORS -> landing.landSectors();
            case ALL_BUT_ONE_SECTOR -> landing.landAllButOneSector();
            case ONE_SECTOR -> landing.landOneSector();
            case WHOLE_WRITES -> landing.landWholeWrites();
            case PREFIX -> landing.landPrefix();
        }
        return landing.image;
    }

    private void landSectors() {
        image = medium.fork();
        final int landed = LANDED_OUT_OF_64[random.nextInt(LANDED_OUT_OF_64.length)];
        final int damaged = DAMAGED_OUT_OF_64[random.nextInt(DAMAGED_OUT_OF_64.length)];
        for (final Version newest : newestVersions()) {
            final int toss = random.nextInt(64);
            if (toss < landed) {
                land(thrownVersion(newest));
            }
            if (random.nextInt(64) < damaged) {
                damage(newest);
            }
        }
    }

    private void landAllButOneSector() {
        image = device.fork();
        final Version unlucky = thrownSector();
        if (random.nextBoolean()) {
            damage(unlucky);
        } else {
            final int age = 1 + random.nextInt(unlucky.count);
            if (age < unlucky.count) {
                land(unlucky.before(age));
            } else {
                landOld(unlucky);
            }
        }
    }

    private void landOneSector() {
        image = medium.fork();
        final Version lucky = thrownSector();
        land(thrownVersion(lucky));
        if (random.nextInt(4) == 0) {
            damage(lucky);
        }
    }

    private void landWholeWrites() {
        image = medium.fork();
        final int landed = LANDED_OUT_OF_64[random.nextInt(LANDED_OUT_OF_64.length)];
        for (final Write write : writes) {
            if (random.nextInt(64) < landed) {
                image.write(write.position(), write.bytes(), 0, write.bytes().length);
            }
        }
    }

    private void landPrefix() {
        image = medium.fork();
        final int whole = random.nextInt(writes.size() + 1);
        for (final Write write : writes.subList(0, whole)) {
            image.write(write.position(), write.bytes(), 0, write.bytes().length);
        }
        if (whole < writes.size()) {
            final Write torn = writes.get(whole);
            final int sectors = random.nextInt(torn.sectorCount() + 1);
            image.write(torn.position(), torn.bytes(), 0, sectors * SECTOR_LENGTH);
        }
    }

    /** The newest version of every sector written, in the order in which they were first written. */
    private Collection<Version> newestVersions() {
        final Long2ObjectHashMap<Version> newest = new Long2ObjectHashMap<>();
        final List<Long> order = new ArrayList<>();
        for (final Write write : writes) {
            for (int index = 0; index < write.sectorCount(); index++) {
                final Version older = newest.get(write.sector(index));
                if (older == null) {
                    order.add(write.sector(index));
                }
                newest.put(write.sector(index), new Version(write, index * SECTOR_LENGTH, older));
            }
        }
        return order.stream().map(number -> newest.get((long) number)).toList();
    }

    /** All versions of one sector, thrown by write first: a large write must not hide the small ones. */
    private Version thrownSector() {
        final Write chosen = writes.get(random.nextInt(writes.size()));
        final long number = chosen.sector(random.nextInt(chosen.sectorCount()));
        Version newest = null;
        for (final Write write : writes) {
            final long index = number - write.sector(0);
            if (index >= 0 && index < write.sectorCount()) {
                newest = new Version(write, (int) index * SECTOR_LENGTH, newest);
            }
        }
        return newest;
    }

    /** Half the time the newest, else any. */
    private Version thrownVersion(final Version newest) {
        return newest.count == 1 || random.nextBoolean() ? newest : newest.before(random.nextInt(newest.count));
    }

    private void land(final Version version) {
        image.write(positionOf(version), version.write.bytes(), version.offset, SECTOR_LENGTH);
    }

    private void landOld(final Version version) {
        medium.read(positionOf(version), sector, 0, SECTOR_LENGTH);
        image.write(positionOf(version), sector, 0, SECTOR_LENGTH);
    }

    /** Half the time one wrong bit in what the image has there: damage that looks right is the harder test. */
    private void damage(final Version version) {
        final long position = positionOf(version);
        image.read(position, sector, 0, SECTOR_LENGTH);
        if (random.nextBoolean()) {
            sector[random.nextInt(SECTOR_LENGTH)] ^= (byte) (1 << random.nextInt(8));
        } else if (random.nextInt(4) == 0) {
            Arrays.fill(sector, (byte) 0);
        } else {
            random.nextBytes(sector);
        }
        image.write(position, sector, 0, SECTOR_LENGTH);
    }

    private static long positionOf(final Version version) {
        return version.write.position() + version.offset;
    }
}
