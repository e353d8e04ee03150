package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SessionParametersTest {
    private final SessionParameters parameters = new SessionParameters();
    private final Map<String, String> answers = new LinkedHashMap<>();

    /** Offers of RFC 7143 section 13 and what they come to. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "HeaderDigest            | CRC32C,None  | CRC32C",
                "HeaderDigest            | None,CRC32C  | None",
                "HeaderDigest            | MD5,None     | None",
                "DataDigest              | MD5          | Reject",
                "InitialR2T              | Yes          | Yes",
                "InitialR2T              | No           | No",
                "InitialR2T              | Maybe        | Reject",
                "ImmediateData           | No           | No",
                "MaxConnections          | 8            | 1",
                "MaxBurstLength          | 16776192     | 1048576",
                "MaxBurstLength          | 8192         | 8192",
                "MaxBurstLength          | 0x10000      | 65536",
                "MaxBurstLength          | 511          | Reject",
                "MaxBurstLength          | 99999999999  | Reject",
                "FirstBurstLength        | 262144       | 65536",
                "MaxOutstandingR2T       | 16           | 4",
                "MaxOutstandingR2T       | 0            | Reject",
                "ErrorRecoveryLevel      | 2            | 0",
                "DefaultTime2Wait        | 0            | 2",
                "DefaultTime2Wait        | 20           | 20",
                "DefaultTime2Retain      | 20           | 0",
                "DataPDUInOrder          | No           | Yes",
                "DataSequenceInOrder     | Yes          | Yes",
                "IFMarker                | Yes          | No",
                "OFMarkInt               | 2048         | Irrelevant",
                "iSCSIProtocolLevel      | 2            | 1",
                "TaskReporting           | ResponseFence,RFC3720 | RFC3720"
            })
    void answersAnOffer(final String key, final String offered, final String answer) {
        assertThat(parameters.negotiate(key, offered, false, answers)).isTrue();
        assertThat(answers).containsEntry(key, answer);
    }

    @Test
    void knowsNoKeysOfOthers() {
        assertThat(parameters.negotiate("X-com.example.key", "1", false, answers))
                .isFalse();
        assertThat(SessionParameters.notUnderstood("X-com.example.key", "1"))
                .containsEntry("X-com.example.key", "NotUnderstood");
        assertThat(SessionParameters.notUnderstood("X-com.example.key", "NotUnderstood"))
                .isEmpty();
    }

    @Test
    void answersThatTransferKeysMeanNothingToDiscovery() {
        parameters.negotiate("MaxBurstLength", "8192", true, answers);
        assertThat(answers).containsEntry("MaxBurstLength", "Irrelevant");
    }

    @Test
    void takesADeclarationWithoutAnAnswer() {
        parameters.negotiate("MaxRecvDataSegmentLength", "4096", false, answers);
        assertThat(parameters.initiatorDataLengthMax).isEqualTo(4096);
        assertThat(answers).isEmpty();
        parameters.declare(answers);
        assertThat(answers).containsEntry("MaxRecvDataSegmentLength", "262144");
    }

    @Test
    void readsPairsAndRefusesWhatIsNone() throws PduException {
        assertThat(TextParameters.decode(bytes("a=1\0b=\0\0c=x=y")))
                .containsExactly(Map.entry("a", "1"), Map.entry("b", ""), Map.entry("c", "x=y"));
        for (final String wrong : new String[] {"a", "=1", "a=1\0a=2", "k".repeat(64) + "=1"}) {
            assertThatThrownBy(() -> TextParameters.decode(bytes(wrong))).isInstanceOf(PduException.class);
        }
    }

    private static byte[] bytes(final String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
