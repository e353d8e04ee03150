package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The file of CHAP secrets; their lengths are a matter of RFC 7143 section 9.2.1. */
class ChapSecretsTest {
    private static final String GOOD = """
            # who may log in
            initiator web1\tcorrect horse battery

              initiator web2 staple-staple-staple\s\s
            target icecore an-entirely-other-one
            """;

    @TempDir
    private Path directory;

    private Path file(final String content, final String permissions) throws IOException {
        final Path file = Files.writeString(directory.resolve("secrets"), content);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    @Test
    void readsNamesAndSecrets() throws IOException {
        final ChapSecrets secrets = ChapSecrets.read(file(GOOD, "rw-------"));

        assertThat(secrets.initiators()).extracting(ChapCredential::name).containsExactly("web1", "web2");
        assertThat(secrets.initiators().get(0).secret())
                .isEqualTo("correct horse battery".getBytes(StandardCharsets.UTF_8));
        assertThat(secrets.initiators().get(1).secret())
                .isEqualTo("staple-staple-staple".getBytes(StandardCharsets.UTF_8));
        assertThat(secrets.target().name()).isEqualTo("icecore");
        assertThat(secrets.toString()).doesNotContain("horse").doesNotContain("other-one");
    }

    @Test
    void readsAFileThatNobodyMayWrite() throws IOException {
        assertThat(ChapSecrets.read(file(GOOD, "r--------")).initiators()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r-----", "rw----r--", "rw--w----", "rwx------", "rw-rw-rw-"})
    void refusesAFileThatOthersMayUse(final String permissions) throws IOException {
        final Path file = file(GOOD, permissions);
        assertThatThrownBy(() -> ChapSecrets.read(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("0600");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "initiator web1",
                "initiator web1 too-short-1",
                "initiators web1 this-is-a-secret",
                "web1 this-is-a-secret",
                "target t this-is-a-secret\ntarget t this-is-a-secret"
            })
    void namesTheLineAndNoSecret(final String lines) throws IOException {
        final Path file = file("# first\n" + lines + "\n", "rw-------");
        assertThatThrownBy(() -> ChapSecrets.read(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("line " + (lines.contains("\n") ? 3 : 2))
                .hasMessageNotContaining("this-is-a-secret")
                .hasMessageNotContaining("too-short-1");
    }

    @Test
    void refusesAFileThatLetsNobodyIn() throws IOException {
        final Path file = file("target t this-is-a-secret\n", "rw-------");
        assertThatThrownBy(() -> ChapSecrets.read(file)).hasMessageContaining("no line for an initiator");
    }

    @Test
    void refusesWhatIsNoFile() {
        assertThatThrownBy(() -> ChapSecrets.read(directory)).isInstanceOf(IllegalArgumentException.class);
    }
}
