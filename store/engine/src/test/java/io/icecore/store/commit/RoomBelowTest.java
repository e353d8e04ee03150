package io.icecore.store.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.device.NoSpaceException;
import org.junit.jupiter.api.Test;

class RoomBelowTest {
    private final RoomBelow room = new RoomBelow("some device");

    @Test
    void aWriteThatWasUnderWayWhenAnotherFoundNoneProvesNothing() {
        final int before = room.failures();
        room.missing(new NoSpaceException("full"));

        room.found(before);

        assertThat(room.problem()).isEqualTo("full");
    }

    @Test
    void aWriteThatBeganAfterwardsDoes() {
        room.missing(new NoSpaceException("full"));

        room.found(room.failures());

        assertThat(room.problem()).isNull();
    }
}
