package io.icecore.recovery.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.format.CorruptStoreException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class CheckReportTest {
    private static final CheckReport.Blocks CONSISTENT = new CheckReport.Blocks(100, 100, 0, 0);

    @Test
    void isOkWithoutFindings() {
        final CheckReport report = CheckReport.of(17, CONSISTENT, 5, new Findings());

        assertThat(report).isEqualTo(new CheckReport(true, 17, CONSISTENT, 5, List.of()));
    }

    @Test
    void isNotOkWithOne() {
        final Findings findings = new Findings();
        findings.add(Finding.at("free-space map", 8192, "block 7: leaked"));

        final CheckReport report = CheckReport.of(17, new CheckReport.Blocks(100, 99, 1, 0), 0, findings);

        assertThat(report.ok()).isFalse();
        assertThat(report.errors()).hasToString("[free-space map at position 8192: block 7: leaked]");
    }

    @Test
    void refusesToCallLeakedBlocksOk() {
        final CheckReport.Blocks leaked = new CheckReport.Blocks(100, 99, 1, 0);

        assertThatThrownBy(() -> CheckReport.of(17, leaked, 0, new Findings())).isInstanceOf(AssertionError.class);
    }

    @Test
    void splitsTheMessageOfDamagedBytes() {
        final CorruptStoreException ex = CorruptStoreException.mismatch("head leaf", 4096, "type", 0, 3);

        assertThat(Finding.of(ex)).isEqualTo(new Finding("head leaf at position 4096", "type 0x0 (expected: 0x3)"));
        assertThat(Finding.of(ex)).hasToString(ex.getMessage());
    }

    @Test
    void keepsAThousandFindingsAndCountsTheRest() {
        final Findings findings = new Findings();
        for (int i = 0; i < 1_000_000; i++) {
            findings.add(new Finding("block " + i, "leaked"));
        }

        assertThat(findings.count()).isEqualTo(1_000_000);
        assertThat(findings.toList())
                .hasSize(1001)
                .startsWith(new Finding("block 0", "leaked"))
                .endsWith(new Finding("check", "999000 more findings, not listed"));
    }

    /** The fields of the program's JSON; whoever writes it takes them from the components. */
    @Test
    void hasTheFieldsOfTheContract() {
        assertThat(components(CheckReport.class)).containsExactly("ok", "generation", "blocks", "chunksRead", "errors");
        assertThat(components(CheckReport.Blocks.class))
                .containsExactly("allocated", "referenced", "leaked", "multiplyOwned");
        assertThat(components(Finding.class)).containsExactly("where", "what");
    }

    private static List<String> components(final Class<?> type) {
        return Arrays.stream(type.getRecordComponents())
                .map(component -> component.getName())
                .toList();
    }
}
