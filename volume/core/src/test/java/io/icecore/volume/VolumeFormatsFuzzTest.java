package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.map.Extent;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The decoders of what volumes keep in trees and superblocks, against any bytes: what they return can be used, or they
 * say what is wrong. Plain tests run the seeds; docs/testing.md tells how to fuzz.
 */
class VolumeFormatsFuzzTest {
    private static final int KINDS = 13;

    static Stream<Arguments> seeds() {
        return IntStream.range(0, 200).mapToObj(seed -> {
            final Random random = new Random(seed);
            final byte[] bytes = new byte[random.nextInt(80)];
            random.nextBytes(bytes);
            if (bytes.length > 2) {
                bytes[0] = (byte) (seed % KINDS);
                bytes[1] = (byte) (1 + random.nextInt(3));
            }
            return Arguments.of((Object) bytes);
        });
    }

    /** An entry with these bytes as its value, the first of them left out. */
    private static NodePage leaf(final byte[] input, final long hi, final long lo) {
        final NodePage leaf = new NodePage(1, 0);
        final int length = Math.max(0, Math.min(input.length - 1, TreeEntry.VALUE_LENGTH_MAX));
        leaf.insert(0, hi, lo, new UnsafeBuffer(input), Math.min(1, input.length), length);
        return leaf;
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void catalogueRecord(final byte[] input) {
        final int kind = input.length == 0 ? 0 : Byte.toUnsignedInt(input[0]) % KINDS;
        final TreeEntry entry = new TreeEntry();
        entry.copy(leaf(input, Key.hi(kind, 5), Key.lo(5, 7)), 0);
        try {
            assertThat(CatalogueRecord.decode(entry).toString()).isNotEmpty();
        } catch (final CorruptStoreException ex) {
            assertThat(ex).hasMessageContaining("catalogue");
        }
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void regionBitmap(final byte[] input) {
        final UnsafeBuffer source = new UnsafeBuffer(input);
        final RegionBitmap bitmap = new RegionBitmap();
        try {
            bitmap.orEncoded(source, 0, input.length);
            RegionBitmap.encodedHasAll(source, 0, input.length, 0, 9);
            RegionBitmap.encodedHasAll(source, 0, input.length, RegionBitmap.REGIONS - 3, RegionBitmap.REGIONS);
        } catch (final CorruptStoreException ex) {
            return;
        }
        if (bitmap.cardinality() > 0) {
            final UnsafeBuffer again = new UnsafeBuffer(new byte[RegionBitmap.ENCODED_LENGTH_MAX]);
            final RegionBitmap decoded = new RegionBitmap();
            decoded.orEncoded(again, 0, bitmap.encode(again, 0));
            for (int region = bitmap.nextSet(0); region >= 0; region = bitmap.nextSet(region + 1)) {
                assertThat(decoded.get(region)).as("region %d", region).isTrue();
            }
        }
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void notes(final byte[] input) {
        final int length = Math.min(input.length, CommitParticipant.NOTES_LENGTH_MAX);
        try {
            final VolumeNotes notes = VolumeNotes.decode(new UnsafeBuffer(input), length);
            for (final VolumeNotes.Run run : notes.regions()) {
                assertThat(run.end()).isGreaterThan(run.from());
            }
        } catch (final CorruptStoreException ex) {
            assertThat(ex).hasMessageContaining("commit notes");
        }
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void extent(final byte[] input) {
        final boolean history = input.length > 0 && input[0] < 0;
        final NodePage leaf = leaf(input, Key.hi(3, 64), Key.lo(64, 9));
        final Extent extent = new Extent();
        try {
            extent.read(leaf, 0, history);
        } catch (final CorruptStoreException ex) {
            return;
        }
        for (long chunk = extent.chunk(); chunk < extent.end(); chunk++) {
            if (!extent.zeroes()) {
                extent.checksumOf(chunk);
                assertThat(extent.blockOf(chunk)).isPositive();
            }
        }
        assertThat(extent.toString()).isNotEmpty();
    }
}
