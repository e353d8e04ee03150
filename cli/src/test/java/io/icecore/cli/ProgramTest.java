package io.icecore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProgramTest {
    @TempDir
    private Path directory;

    @Test
    void showsTheOverviewWhenAskedAndWhenNothingWasSaid() {
        final CommandRun asked = run("--help");
        assertThat(asked.code()).isZero();
        assertThat(asked.out())
                .startsWith("Usage: icecore")
                .contains("snapshot list")
                .contains("Example");

        final CommandRun silent = run();
        assertThat(silent.code()).isEqualTo(ExitCode.USAGE);
        assertThat(silent.err()).isEqualTo(asked.out());
    }

    static Stream<String> built() {
        return CommandTable.entries().stream().filter(CommandTable.Entry::built).map(CommandTable.Entry::words);
    }

    @ParameterizedTest
    @MethodSource("built")
    void theHelpOfEveryCommandShowsAnExample(final String words) {
        final CommandRun help = run((words + " --help").split(" "));

        assertThat(help.code()).isZero();
        assertThat(help.err()).isEmpty();
        assertThat(help.out()).contains("Usage: icecore " + words).containsPattern("Example.*:\\R");
        assertThat(help.out().substring(help.out().indexOf("Example"))).contains("icecore ");
        assertThat(run(("help " + words).split(" ")).out()).isEqualTo(help.out());
    }

    @ParameterizedTest
    @MethodSource("built")
    void everyCommandIsListedWithOneLine(final String words) {
        assertThat(run("--help").out()).containsPattern("(?m)^  " + words + " +[A-Z].*\\.$");
    }

    @ParameterizedTest
    @ValueSource(strings = {"browse", "diff a b", "send vm1@a", "receive vm1"})
    void saysOfWhatIsMissingThatItIsMissing(final String line) {
        final String[] words = line.split(" ");

        final CommandRun run = run(words);

        assertThat(run.code()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).isEqualTo("icecore: not built yet: " + words[0] + "\n");
        assertThat(run("--help").out()).doesNotContainPattern("(?m)^  " + words[0] + " ");
    }

    @Test
    void namesACommandThatDoesNotExist() {
        assertThat(run("frobnicate").err())
                .isEqualTo("icecore: no such command: frobnicate\nhint: see icecore --help\n");
        assertThat(run("frobnicate").code()).isEqualTo(ExitCode.USAGE);
        assertThat(run("volume", "frobnicate").err())
                .isEqualTo("icecore: no such command: volume frobnicate\nhint: see icecore volume --help\n");
    }

    @Test
    void listsTheCommandsOfAGroup() {
        assertThat(run("snapshot", "--help").out()).contains("snapshot list").doesNotContain("volume create");
        assertThat(run("snapshot").code()).isEqualTo(ExitCode.USAGE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "volume create",
                "volume create vm1",
                "volume create vm1 --size",
                "volume create vm1 --size 0",
                "volume create vm1 --size -5",
                "volume create vm1 --size 1Q",
                "volume create vm1 --size 99999999E",
                "volume create a b --size 1G",
                "volume list --frobnicate",
                "store info",
                "snapshot hold vm1@a",
                "policy set vm1"
            })
    void wrongUsageIsOneLineAHintAndTwo(final String line) {
        final CommandRun run = run(line.split(" "));

        assertThat(run.code()).isEqualTo(ExitCode.USAGE);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).matches("icecore: .*\nhint: .*\n");
    }

    @Test
    void takesTheStoreBeforeTheCommandToo() {
        final String missing = directory.resolve("missing").toString();
        final String expected = run("volume", "list", "-s", missing).err();

        assertThat(expected).contains(missing);
        assertThat(run("-s", missing, "volume", "list").err()).isEqualTo(expected);
        assertThat(run("--store=" + missing, "volume", "list").err()).isEqualTo(expected);
    }

    @Test
    void showsAStackTraceOnlyWhenAskedTo() {
        assertThat(run("volume", "list", "-s", "missing").err()).doesNotContain("\tat ");
        assertThat(run("volume", "list", "-s", "missing", "-v").err()).contains("\tat io.icecore.");
        assertThat(run("-v", "volume", "list", "-s", "missing").err()).contains("\tat io.icecore.");
    }

    @Test
    void colourIsForTerminalsAlone() {
        assertThat(run("volume", "create", "--help").out()).doesNotContain("\u001b");
    }

    @Test
    void tellsItsVersion() {
        assertThat(run("--version").out()).startsWith("icecore ");
    }

    private CommandRun run(final String... words) {
        return CommandRun.in(directory, null, List.of(words), new byte[0]);
    }

    @Test
    void outputIsUtf8WhateverTheLocale() {
        assertThat(new String(run("frobnicate-ä").err().getBytes(UTF_8), UTF_8)).contains("frobnicate-ä");
    }
}
