package io.icecore.store.sim;

import java.util.SplittableRandom;

/**
 * How the writes that no flush covered fare when power fails.
 *
 * <p>{@link #SECTORS} alone contains every outcome that the contract allows, most of them practically never: with
 * hundreds of sectors in flight, "all but one" has to be asked for. The others put the weight where real devices, and
 * bugs, are.
 */
public enum Survival {
    /** Nothing landed. */
    NOTHING,
    /** Everything landed: the operation was complete, only nobody was told. */
    EVERYTHING,
    /** Each sector by itself: old content, some version written since, or damage; the odds differ from seed to seed. */
    SECTORS,
    /** Everything landed except for one sector, which is old or damaged. */
    ALL_BUT_ONE_SECTOR,
    /** Nothing landed except for one sector, which is new or damaged. */
    ONE_SECTOR,
    /** Each write landed as a whole or not at all: a device that reorders. */
    WHOLE_WRITES,
    /** Writes landed in the order they were made, up to one that was cut short: a device that does not reorder. */
    PREFIX;

    private static final Survival[] BY_THROW = {
        NOTHING,
        EVERYTHING,
        SECTORS,
        SECTORS,
        SECTORS,
        SECTORS,
        ALL_BUT_ONE_SECTOR,
        ALL_BUT_ONE_SECTOR,
        ONE_SECTOR,
        WHOLE_WRITES,
        WHOLE_WRITES,
        PREFIX
    };

    static Survival thrown(final SplittableRandom random) {
        return BY_THROW[random.nextInt(BY_THROW.length)];
    }

    /** Whether the device is still as long as it was made by a grow that no flush covers. */
    boolean keepsGrowth(final SplittableRandom random) {
        return switch (this) {
            case NOTHING -> false;
            case EVERYTHING, ALL_BUT_ONE_SECTOR -> true;
            default -> random.nextBoolean();
        };
    }
}
