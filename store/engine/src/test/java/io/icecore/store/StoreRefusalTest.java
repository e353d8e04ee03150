package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.device.StoreException;
import io.icecore.store.sim.SimBlockDevice;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.junit.jupiter.api.Test;

class StoreRefusalTest {
    /** The layer above, of which a change broke off half-way. */
    private static final class Broken implements CommitParticipant {
        private boolean broken;

        @Override
        public void ensureUsable() {
            if (broken) {
                throw new StoreException("half done");
            }
        }

        @Override
        public int beforeCommit(final MutableDirectBuffer notes) {
            return 0;
        }

        @Override
        public void loadNotes(final DirectBuffer notes, final int length) {
            // None.
        }
    }

    @Test
    void aLayerAboveThatIsBrokenIsAskedThoughThereIsNothingToCommit() {
        final SimBlockDevice device = new SimBlockDevice(16 << 20);
        Store.format(device, "test");
        final Store store = Store.open(device);
        final Broken above = new Broken();
        store.join(above);
        store.commit();
        final long writes = device.writes();

        above.broken = true;

        assertThatThrownBy(store::commit).isInstanceOf(StoreException.class).hasMessageContaining("half done");
        assertThat(store.info().health()).isEqualTo("takes no more writes: half done");
        store.lock();
        try {
            assertThatThrownBy(() -> store.allocate(1)).hasMessageContaining("half done");
        } finally {
            store.unlock();
        }
        store.idle();
        store.close();
        assertThat(device.writes()).isEqualTo(writes);
    }
}
