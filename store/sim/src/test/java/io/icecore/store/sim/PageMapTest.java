package io.icecore.store.sim;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PageMapTest {
    private static final int LENGTH = 100 * BLOCK_LENGTH;

    @Test
    void readsZeroesWhereNothingWasWritten() {
        final PageMap pages = new PageMap();
        pages.write(3 * BLOCK_LENGTH, new byte[] {1}, 0, 1);

        assertThat(read(pages, 2 * BLOCK_LENGTH, BLOCK_LENGTH)).containsOnly(0);
        assertThat(read(pages, 1L << 60, BLOCK_LENGTH)).containsOnly(0);
    }

    @Test
    void holdsAFewPagesOfAnEnormousDevice() {
        final PageMap pages = new PageMap();
        final long[] positions = {0, 64L * BLOCK_LENGTH, 4096L * BLOCK_LENGTH, 10L << 40, (1L << 62) - BLOCK_LENGTH};
        for (int index = 0; index < positions.length; index++) {
            pages.write(positions[index] + 7, new byte[] {(byte) (index + 1)}, 0, 1);
        }
        for (int index = 0; index < positions.length; index++) {
            assertThat(read(pages, positions[index] + 6, 3)).containsExactly(0, index + 1, 0);
        }
        assertThat(pagesOf(pages, 0, Long.MAX_VALUE))
                .containsExactly(0L, 64L, 4096L, (10L << 40) / BLOCK_LENGTH, (1L << 62) / BLOCK_LENGTH - 1);
        assertThat(pagesOf(pages, 64, 4096)).containsExactly(64L);
        assertThat(pagesOf(pages, 1, 4097)).containsExactly(64L, 4096L);
    }

    @Test
    void hasOneFingerprintForOneContentHoweverItCameAbout() {
        final SplittableRandom random = new SplittableRandom(6);
        final byte[] content = new byte[LENGTH];
        PageMap changed = new PageMap();
        for (int step = 0; step < 500; step++) {
            final byte[] written = new byte[1 + random.nextInt(2 * BLOCK_LENGTH)];
            if (random.nextInt(4) > 0) {
                random.nextBytes(written);
            }
            final int position = random.nextInt(LENGTH - written.length);
            final PageMap before = random.nextBoolean() ? changed : changed.fork();
            changed.write(position, written, 0, written.length);
            System.arraycopy(written, 0, content, position, written.length);

            final PageMap writtenAtOnce = new PageMap();
            writtenAtOnce.write(1L << 40, new byte[1], 0, 1); // Higher, and no different.
            writtenAtOnce.write(0, content, 0, LENGTH);
            assertThat(changed.fingerprint()).isEqualTo(writtenAtOnce.fingerprint());
            changed = random.nextInt(8) == 0 ? before : changed;
            System.arraycopy(read(changed, 0, LENGTH), 0, content, 0, LENGTH);
        }
    }

    @Test
    void hasAnotherFingerprintWhenOneBitDiffers() {
        final PageMap pages = new PageMap();
        final Set<Long> fingerprints = new HashSet<>(Set.of(pages.fingerprint()));
        for (int bit = 0; bit < 8 * LENGTH; bit += 1009) {
            final PageMap flipped = pages.fork();
            flipped.write(bit / 8, new byte[] {(byte) (1 << bit % 8)}, 0, 1);

            assertThat(fingerprints.add(flipped.fingerprint())).isTrue();
        }
        assertThat(fingerprints).contains(pages.fingerprint());
    }

    /** Forks of forks, written at random, each against an array of its own. */
    @Test
    void keepsForksApart() {
        final SplittableRandom random = new SplittableRandom(5);
        final List<PageMap> maps = new ArrayList<>(List.of(new PageMap()));
        final List<byte[]> expected = new ArrayList<>(List.of(new byte[LENGTH]));
        for (int step = 0; step < 3_000; step++) {
            final int chosen = random.nextInt(maps.size());
            if (random.nextInt(20) == 0) {
                final int replaced = maps.size() < 8 ? maps.size() : random.nextInt(maps.size());
                if (replaced == maps.size()) {
                    maps.add(null);
                    expected.add(null);
                }
                maps.set(replaced, maps.get(chosen).fork());
                expected.set(replaced, expected.get(chosen).clone());
            }
            final byte[] written = new byte[1 + random.nextInt(3 * BLOCK_LENGTH)];
            random.nextBytes(written);
            final int position = random.nextInt(LENGTH - written.length);
            maps.get(chosen).write(position, written, 0, written.length);
            System.arraycopy(written, 0, expected.get(chosen), position, written.length);
        }
        for (int index = 0; index < maps.size(); index++) {
            assertThat(read(maps.get(index), 0, LENGTH)).isEqualTo(expected.get(index));
        }
    }

    private static byte[] read(final PageMap pages, final long position, final int length) {
        final byte[] bytes = new byte[length];
        pages.read(position, bytes, 0, length);
        return bytes;
    }

    private static List<Long> pagesOf(final PageMap pages, final long first, final long end) {
        final List<Long> found = new ArrayList<>();
        pages.forEachPage(first, end, found::add);
        return found;
    }
}
