package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.format.CorruptStoreException;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class RegionBitmapTest {
    private final RegionBitmap bitmap = new RegionBitmap();
    private final UnsafeBuffer encoded = new UnsafeBuffer(new byte[RegionBitmap.ENCODED_LENGTH_MAX]);

    @Test
    void setsAndClearsRangesAcrossWords() {
        bitmap.set(60, 200);
        bitmap.clear(64, 128);
        bitmap.set(65_535, 65_536);

        assertThat(bitmap.cardinality()).isEqualTo(4 + 72 + 1);
        assertThat(bitmap.nextSet(0)).isEqualTo(60);
        assertThat(bitmap.nextSet(64)).isEqualTo(128);
        assertThat(bitmap.nextClear(128)).isEqualTo(200);
        assertThat(bitmap.nextSet(200)).isEqualTo(65_535);
        assertThat(bitmap.nextClear(65_535)).isEqualTo(RegionBitmap.REGIONS);
        assertThat(bitmap.nextSet(65_536)).isEqualTo(-1);
    }

    @Test
    void keepsWhatIsSetTwiceAlongARun() {
        final RegionBitmap candidates = new RegionBitmap();
        bitmap.set(10, 20);
        final RegionBitmap second = new RegionBitmap();
        second.set(15, 30);
        final RegionBitmap third = new RegionBitmap();
        third.set(0, 12);
        third.set(29, 40);

        bitmap.accumulate(second, candidates);
        bitmap.accumulate(third, candidates);

        final RegionBitmap expected = new RegionBitmap();
        expected.set(10, 12);
        expected.set(15, 20);
        expected.set(29, 30);
        assertThat(bits(candidates)).isEqualTo(bits(expected));
        assertThat(bitmap.nextClear(0)).isEqualTo(40);
    }

    @Test
    void encodesFewRegionsAsAnArrayManyAsRunsAndNoiseAsABitmap() {
        bitmap.set(5, 6);
        bitmap.set(7, 8);
        bitmap.set(9, 10);
        assertThat(encodeAndDecode()).isEqualTo(2 + 3 * 2);
        assertThat(encoded.getByte(0)).isEqualTo((byte) RegionBitmap.TYPE_ARRAY);

        bitmap.set(0, RegionBitmap.REGIONS);
        assertThat(encodeAndDecode()).isEqualTo(2 + 4);
        assertThat(encoded.getByte(0)).isEqualTo((byte) RegionBitmap.TYPE_RUNS);

        bitmap.clear();
        for (int i = 0; i < RegionBitmap.REGIONS; i += 20) {
            bitmap.set(i, i + 1);
        }
        final int length = bitmap.encode(encoded, 0);
        assertThat(length).isEqualTo(2 + (RegionBitmap.REGIONS >> 3) / 8);
        assertThat(encoded.getByte(0)).isEqualTo((byte) RegionBitmap.TYPE_BITMAP);
        assertThat(encoded.getByte(1)).isEqualTo((byte) 3);
    }

    /** Returns the encoded length, having compared what comes back. */
    private int encodeAndDecode() {
        final int length = bitmap.encode(encoded, 0);
        assertThat(bits(decoded(length))).isEqualTo(bits(bitmap));
        return length;
    }

    private RegionBitmap decoded(final int length) {
        final RegionBitmap decoded = new RegionBitmap();
        decoded.orEncoded(encoded, 0, length);
        return decoded;
    }

    @Test
    void neverLosesARegionWhateverTheDensity() {
        final SplittableRandom random = new SplittableRandom(7);
        for (int density = 1; density < 60_000; density = density * 3 / 2 + 1) {
            bitmap.clear();
            for (int i = 0; i < density; i++) {
                final int from = random.nextInt(RegionBitmap.REGIONS);
                bitmap.set(from, Math.min(RegionBitmap.REGIONS, from + 1 + random.nextInt(1 + random.nextInt(20))));
            }
            final int length = bitmap.encode(encoded, 0);
            final RegionBitmap decoded = decoded(length);

            final BitSet lost = bits(bitmap);
            lost.andNot(bits(decoded));
            assertThat(lost.cardinality()).as("lost at density " + density).isZero();
            assertThat(length).isLessThanOrEqualTo(RegionBitmap.ENCODED_LENGTH_MAX);
            final int shift = encoded.getByte(1);
            for (int region = decoded.nextSet(0); region >= 0; region = decoded.nextSet(region + 1)) {
                final int first = bitmap.nextSet(region >> shift << shift);
                assertThat(first)
                        .as("region set for a reason")
                        .isBetween(0, (region >> shift << shift) + (1 << shift) - 1);
            }
            for (int i = 0; i < 200; i++) {
                final int from = random.nextInt(RegionBitmap.REGIONS - 40);
                final int end = from + 1 + random.nextInt(40);
                assertThat(RegionBitmap.encodedHasAll(encoded, 0, length, from, end))
                        .isEqualTo(decoded.nextClear(from) >= end);
            }
        }
    }

    @Test
    void getsNoLongerWhenItsFirstRegionsAreCleared() {
        final SplittableRandom random = new SplittableRandom(9);
        for (int i = 0; i < 5000; i++) {
            final int from = random.nextInt(RegionBitmap.REGIONS);
            bitmap.set(from, from + 1);
        }
        int shift = RegionBitmap.SHIFT_MAX;
        for (int region = 0; region < RegionBitmap.REGIONS - 1; region += 1 + random.nextInt(3000)) {
            bitmap.clear(0, region);
            if (bitmap.isEmpty()) {
                break;
            }
            final int length = bitmap.encode(encoded, 0);
            assertThat((int) encoded.getByte(1)).isLessThanOrEqualTo(shift);
            shift = encoded.getByte(1);
            final RegionBitmap decoded = decoded(length);
            assertThat(decoded.nextSet(0)).isGreaterThanOrEqualTo(region >> shift << shift);
            bitmap.clear();
            bitmap.or(decoded);
        }
    }

    @Test
    void refusesWhatIsNoContainer() {
        bitmap.set(100, 200);
        final int length = bitmap.encode(encoded, 0);

        assertThatThrownBy(() -> decoded(length - 1)).isInstanceOf(CorruptStoreException.class);
        assertThatThrownBy(() -> decoded(2)).isInstanceOf(CorruptStoreException.class);
        encoded.putByte(0, (byte) 9);
        assertThatThrownBy(() -> decoded(length)).isInstanceOf(CorruptStoreException.class);
        encoded.putByte(0, (byte) RegionBitmap.TYPE_RUNS);
        encoded.putByte(1, (byte) 4);
        assertThatThrownBy(() -> decoded(length)).isInstanceOf(CorruptStoreException.class);
        encoded.putByte(1, (byte) 0);
        encoded.putShort(4, (short) 0xFFFF);
        assertThatThrownBy(() -> decoded(length)).isInstanceOf(CorruptStoreException.class);
    }

    private static BitSet bits(final RegionBitmap bitmap) {
        final BitSet bits = new BitSet();
        for (int region = bitmap.nextSet(0); region >= 0; region = bitmap.nextSet(region + 1)) {
            bits.set(region);
        }
        return bits;
    }
}
