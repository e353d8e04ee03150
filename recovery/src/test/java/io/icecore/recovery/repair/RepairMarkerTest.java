package io.icecore.recovery.repair;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.recovery.dump.StoreDump;
import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.sim.SimBlockDevice;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RepairMarkerTest {
    private static final long SLOT = 3;

    private final SimBlockDevice device = new SimBlockDevice(16L << 20);

    @Test
    void dumpTellsItFromADamagedSlot() {
        Store.format(device, "test");
        final RepairMarker marker = new RepairMarker(new UUID(1, 2), 4711);
        device.write(SLOT * BlockDevice.BLOCK_LENGTH, marker.encode(SLOT), 0, BlockDevice.BLOCK_LENGTH);

        assertThat(new StoreDump(device).superblocks()).anySatisfy(slot -> {
            assertThat(slot.block()).isEqualTo(SLOT);
            assertThat(slot.state()).isEqualTo("repair");
            assertThat(slot.problem()).isEqualTo("repair in place begun after generation 4711");
        });
    }
}
