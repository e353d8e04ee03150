package io.icecore.cli.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What comes over the control socket: frames, and the request in the first. Plain tests run the seeds; docs/testing.md
 * tells how to fuzz.
 */
class ControlFuzzTest {
    static Stream<Arguments> seeds() {
        return IntStream.range(0, 64).mapToObj(seed -> Arguments.of((Object) frames(new Random(seed))));
    }

    private static byte[] frames(final Random random) {
        final Wire wire = new Wire(ByteBuffer.allocate(0));
        try {
            final ControlRequest request =
                    new ControlRequest(List.of("volume", "list"), "/tmp", "UTC", 80, false, true, false);
            Frame.write(wire, Frame.Type.REQUEST, request.encode());
            Frame.write(wire, Frame.Type.IN, new byte[random.nextInt(20)]);
        } catch (final IOException ex) {
            throw new AssertionError(ex);
        }
        final byte[] bytes = wire.written.toByteArray();
        for (int i = random.nextInt(5); i > 1; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        return bytes;
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void frames(final byte[] received) {
        final Wire wire = new Wire(ByteBuffer.wrap(received));
        try {
            for (Frame frame = Frame.read(wire); frame != null; frame = Frame.read(wire)) {
                assertThat(frame.payload().remaining()).isBetween(0, Frame.PAYLOAD_LENGTH_MAX);
                if (frame.type() == Frame.Type.REQUEST) {
                    final ControlRequest request = ControlRequest.decode(frame.payload());
                    assertThat(request.width()).isNotNegative();
                    assertThat(ControlRequest.decode(ByteBuffer.wrap(request.encode())))
                            .isEqualTo(request);
                }
            }
        } catch (final IOException ex) {
            assertThat(ex).hasMessageContaining("control");
        }
    }

    private static final class Wire implements ByteChannel {
        private final ByteBuffer received;
        private final ByteArrayOutputStream written = new ByteArrayOutputStream();

        Wire(final ByteBuffer received) {
            this.received = received;
        }

        @Override
        public int read(final ByteBuffer target) {
            if (!received.hasRemaining()) {
                return -1;
            }
            final int length = Math.min(received.remaining(), target.remaining());
            target.put(received.slice(received.position(), length));
            received.position(received.position() + length);
            return length;
        }

        @Override
        public int write(final ByteBuffer source) {
            final int length = source.remaining();
            while (source.hasRemaining()) {
                written.write(source.get());
            }
            return length;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
