package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Names of targets (RFC 7143 section 4.2.7) and what they stand for. */
class TargetNamesTest {
    private final TargetNames names = new TargetNames("lab");

    @Test
    void namesAVolumeAndASnapshot() {
        assertThat(names.nameOf("vm1")).isEqualTo("iqn.2026-11.io.icecore:lab.vm1");
        assertThat(names.nameOf("vm1@monday")).isEqualTo("iqn.2026-11.io.icecore:lab.vm1.at.monday");
    }

    @Test
    void readsANameBackAsEveryThingItCanStandFor() {
        assertThat(names.specsOf("iqn.2026-11.io.icecore:lab.vm1")).containsExactly("vm1");
        assertThat(names.specsOf("iqn.2026-11.io.icecore:lab.a.at.b.at.c"))
                .containsExactly("a.at.b@c", "a@b.at.c", "a.at.b.at.c");
        assertThat(names.specsOf("iqn.2026-11.io.icecore:lab.vm1.at.-15m")).contains("vm1@-15m");
    }

    @Test
    void knowsNoOtherNames() {
        assertThat(names.specsOf("iqn.2026-11.io.icecore:other.vm1")).isEmpty();
        assertThat(names.specsOf("iqn.2026-11.io.icecore:lab.")).isEmpty();
        assertThat(names.specsOf("")).isEmpty();
    }

    @Test
    void namesNothingThatWouldBeTooLong() {
        assertThat(names.nameOf("v".repeat(196))).isNotNull();
        assertThat(names.nameOf("v".repeat(197))).isNull();
    }
}
