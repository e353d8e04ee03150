package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.volume.BusyException;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.ReadOnlyException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ExitCodeTest {
    static Stream<Arguments> table() {
        return Stream.of(
                Arguments.of(new StoreException("device failed"), 1),
                Arguments.of(new ReadOnlyException("vm1@a"), 1),
                Arguments.of(new IOException("broken pipe"), 1),
                Arguments.of(new AccessDeniedException("image"), 1),
                Arguments.of(new IllegalStateException("bug"), 1),
                Arguments.of(new IllegalArgumentException("size: 5"), 2),
                Arguments.of(new NoSuchException("no such volume: vm1"), 3),
                Arguments.of(new NoSuchFileException("image"), 3),
                Arguments.of(new BusyException("exists: vm1"), 4),
                Arguments.of(new FileAlreadyExistsException("image"), 4),
                Arguments.of(new NoSpaceException("store full"), 5),
                Arguments.of(new IOException("No space left on device"), 5),
                Arguments.of(new CorruptStoreException("head leaf", 4096, "checksum"), 6),
                Arguments.of(new UnknownFormatException("superblock", 0, "format version 7", 0), 1),
                Arguments.of(new CommandException(3, "no daemon"), 3));
    }

    @ParameterizedTest
    @MethodSource("table")
    void everyFailureHasItsNumber(final Throwable failure, final int code) {
        assertThat(ExitCode.of(failure)).isEqualTo(code);
    }
}
