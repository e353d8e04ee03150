package io.icecore.volume.iscsi.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Bytes by SPC-4 section 4.5. */
class SenseTest {
    private static String hex(final byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @Test
    void encodesTheFixedFormat() {
        assertThat(hex(Sense.NO_MEDIUM.encode(false))).isEqualTo("7000020000000" + "00a000000003a000000" + "0000");
        assertThat(hex(Sense.MISCOMPARE.at(0x1234).encode(false))).startsWith("f0000e00001234");
    }

    @Test
    void encodesDescriptors() {
        assertThat(hex(Sense.NO_MEDIUM.encode(true))).isEqualTo("72023a0000000000");
        assertThat(hex(Sense.MISCOMPARE.at(0x123456789aL).encode(true)))
                .isEqualTo("720e1d000000000c" + "000a8000000000123456789a");
    }

    @Test
    void pointsAtTheFieldAtFault() {
        assertThat(hex(Sense.invalidCdbField(8).encode(false))).endsWith("c00008");
        assertThat(hex(Sense.invalidParameter(300).encode(false))).endsWith("80012c");
        assertThat(hex(Sense.invalidCdbField(8).encode(true))).isEqualTo("7205240000000008" + "02060000c0000800");
    }

    @Test
    void leavesInformationOutThatDoesNotFit() {
        assertThat(hex(Sense.MISCOMPARE.at(0x1_0000_0000L).encode(false))).startsWith("70000e00000000");
    }
}
