package io.icecore.cli.tour;

import static io.icecore.cli.tour.WriteRecord.CHUNK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.cli.tour.ext2.DiskSource;
import io.icecore.cli.tour.ext2.Ext2Image;
import io.icecore.cli.tour.ext2.Ext2Reader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writes of single chunks make the file grow, and the file system has no fault after any of them. */
class DiaryTest {
    private static final Instant TIME = Instant.ofEpochSecond(1_700_000_000);
    private static final int LINES_PER_BLOCK = CHUNK_LENGTH / Diary.LINE_LENGTH;

    @TempDir
    Path folder;

    private Path image;
    private byte[] disk;
    private int writes;

    @BeforeEach
    void makeDisk() throws IOException {
        image = folder.resolve("disk.img");
        try (Ext2Image ext2 = Ext2Image.create(image, 32 << 20, "test", UUID.randomUUID(), TIME)) {
            ext2.file(Diary.PATH, new ByteArrayInputStream(new byte[0]));
            ext2.file(Diary.SPARE_PATH, new ByteArrayInputStream(new byte[Diary.SPARE_LENGTH]));
        }
        disk = Files.readAllBytes(image);
    }

    private DiskSource source() {
        return (offset, target) -> target.put(disk, (int) offset, target.remaining());
    }

    private void write(final int chunk, final ByteBuffer content) {
        assertThat(content.remaining()).isEqualTo(CHUNK_LENGTH);
        content.get(disk, chunk * CHUNK_LENGTH, CHUNK_LENGTH);
        writes++;
    }

    private List<String> lines() throws IOException {
        final Ext2Reader reader = new Ext2Reader(source());
        final String text = new String(reader.content(reader.find(Diary.PATH)), StandardCharsets.US_ASCII);
        return text.lines().map(String::strip).toList();
    }

    @Test
    void growsLineByLineOverSeveralBlocks() throws IOException {
        final Diary diary = new Diary(source(), this::write);
        for (int i = 1; i <= 3 * LINES_PER_BLOCK + 1; i++) {
            diary.append("line " + i, TIME);

            assertThat(lines()).hasSize(i).endsWith("line " + i).startsWith("line 1");
            assertThat(writes).isEqualTo(2 * i);
        }
    }

    @Test
    void isEmptiedByOneWrite() throws IOException {
        final Diary diary = new Diary(source(), this::write);
        for (int i = 0; i < 2 * LINES_PER_BLOCK; i++) {
            diary.append("before", TIME);
        }
        writes = 0;

        diary.empty(TIME);

        assertThat(writes).isEqualTo(1);
        assertThat(lines()).isEmpty();
        diary.append("after", TIME);
        assertThat(lines()).containsExactly("after");
    }

    @Test
    void beginsAgainWhenItIsFull() throws IOException {
        final Diary diary = new Diary(source(), this::write);
        final int linesMax = Diary.SPARE_LENGTH / Diary.LINE_LENGTH;
        for (int i = 0; i < linesMax; i++) {
            diary.append("line", TIME);
        }
        assertThat(lines()).hasSize(linesMax);

        diary.append("on a new page", TIME);

        assertThat(lines()).containsExactly("on a new page");
        assertThat(diary.lineCount()).isEqualTo(1);
    }

    @Test
    void leavesAFileSystemWithoutFaultAfterEveryWrite() throws Exception {
        final ExternalTool e2fsck = ExternalTool.require("e2fsck");
        final Diary.ChunkWriter checking = (chunk, content) -> {
            write(chunk, content);
            check(e2fsck);
        };
        final Diary diary = new Diary(source(), checking);
        for (int i = 0; i < 6; i++) {
            diary.append("line " + i, TIME);
        }
        diary.empty(TIME);
        diary.append("after", TIME);
    }

    @Test
    void leavesAFileSystemWithoutFaultWhereverABlockChangesHands() throws Exception {
        final ExternalTool e2fsck = ExternalTool.require("e2fsck");
        final Diary diary = new Diary(source(), this::write);
        for (int i = 0; i < Diary.SPARE_LENGTH / Diary.LINE_LENGTH + 1; i++) {
            diary.append("line " + i, TIME);
            if (diary.lineCount() % LINES_PER_BLOCK == 1) {
                check(e2fsck);
            }
        }
    }

    private void check(final ExternalTool e2fsck) throws IOException {
        Files.write(image, disk);
        try {
            e2fsck.runSuccessfully("-f", "-n", image.toString());
        } catch (final InterruptedException ex) {
            throw new IOException("interrupted", ex);
        }
    }
}
