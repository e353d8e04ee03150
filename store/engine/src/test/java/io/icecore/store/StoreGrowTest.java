package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.Survival;
import org.junit.jupiter.api.Test;

class StoreGrowTest {
    private static final long LENGTH = 16L << 20;

    @Test
    void opensWhicheverPartOfAGrowSurvivesAPowerLoss() {
        final SimBlockDevice device = new SimBlockDevice(LENGTH);
        Store.format(device, "grow");
        final Store store = Store.open(device);
        device.onOperation(operation -> {
            for (int seed = 0; seed < 8; seed++) { // Among them: the superblock landed and the length did not.
                final Store found = Store.open(device.powerCycle(seed, Survival.WHOLE_WRITES));
                assertThat(found.info().sizeBytes()).isIn(LENGTH, LENGTH + 8192);
            }
        });

        store.grow(LENGTH + 8192);

        assertThat(Store.open(device.powerCycle(1, Survival.NOTHING)).info().sizeBytes())
                .isEqualTo(LENGTH + 8192);
    }
}
