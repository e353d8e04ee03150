package io.icecore.cli.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ListenAddressTest {
    private static final Path DIRECTORY = Path.of("/here");

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1:10809, nbd://127.0.0.1:10809/, true",
        "[::1]:0, nbd://[0:0:0:0:0:0:0:1]:0/, true",
        "0.0.0.0:10809, nbd://0.0.0.0:10809/, false",
        "192.0.2.1:65535, nbd://192.0.2.1:65535/, false",
        "unix:/run/ice.nbd, nbd+unix:///?socket=/run/ice.nbd, true",
        "unix:ice.nbd, nbd+unix:///?socket=/here/ice.nbd, true",
    })
    void readsEveryForm(final String text, final String uri, final boolean local) {
        final ListenAddress address = ListenAddress.parse(text, DIRECTORY);

        assertThat(address.nbdUri()).isEqualTo(uri);
        assertThat(address.local()).isEqualTo(local);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "unix:",
                "localhost",
                ":10809",
                "127.0.0.1:",
                "127.0.0.1:65536",
                "127.0.0.1:-1",
                "a:b",
                "::1:10809"
            })
    void saysWhatItExpectedInPlaceOf(final String text) {
        assertThatThrownBy(() -> ListenAddress.parse(text, DIRECTORY))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("address: " + text + " (expected: host:port");
    }

    @Test
    void namesAHostThatNobodyKnows() {
        assertThatThrownBy(() -> ListenAddress.parse("no-such-host.invalid:1", DIRECTORY))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("unknown host: no-such-host.invalid");
    }
}
