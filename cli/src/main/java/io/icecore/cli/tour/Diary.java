package io.icecore.cli.tour;

import static io.icecore.cli.tour.WriteRecord.CHUNK_LENGTH;

import io.icecore.cli.tour.ext2.DiskSource;
import io.icecore.cli.tour.ext2.Ext2Inode;
import io.icecore.cli.tour.ext2.Ext2Reader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;

/**
 * A text file that grows line by line inside a file system, by writes to the disk, as if the file system were mounted.
 *
 * <p>Every single write leaves a file system without fault, so that a snapshot taken between any two of them holds one. A
 * line goes into its block first, where it lies beyond the end of the file; then one write of the inode's chunk moves the
 * end. A file that needs a block takes it from another, <i>spare</i> file: both inodes stand in that same chunk, so that
 * the block changes hands in one write, and no bitmap changes at all.
 */
final class Diary {
    static final String PATH = "home/diary.txt";
    static final String SPARE_PATH = "home/diary.spare";
    /** Every line has this length, so that none crosses the end of a block. */
    static final int LINE_LENGTH = 64;

    private static final int BLOCKS_MAX = 12; // As many as an inode points to directly.
    static final int SPARE_LENGTH = BLOCKS_MAX * CHUNK_LENGTH;
    private static final int SECTORS_PER_BLOCK = CHUNK_LENGTH / 512;

    /** Writes one chunk of the disk and returns when that is acknowledged. */
    @FunctionalInterface
    interface ChunkWriter {
        void write(int chunk, ByteBuffer content) throws IOException;
    }

    private final ChunkWriter disk;
    private final int inodeChunk;
    private final ByteBuffer inodes = ByteBuffer.allocate(CHUNK_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    private final int diaryIndex;
    private final int spareIndex;
    private final ByteBuffer lastBlock = ByteBuffer.allocate(CHUNK_LENGTH);
    private int lineCount;

    /** Finds the two files in the file system; the diary must be empty. */
    Diary(final DiskSource source, final ChunkWriter disk) throws IOException {
        this.disk = disk;
        final Ext2Reader reader = new Ext2Reader(source);
        final Ext2Reader.File diary = reader.find(PATH);
        final Ext2Reader.File spare = reader.find(SPARE_PATH);
        inodeChunk = (int) (diary.inodePosition() / CHUNK_LENGTH);
        if (spare.inodePosition() / CHUNK_LENGTH != inodeChunk
                || diary.inode().size != 0
                || spare.inode().size != SPARE_LENGTH) {
            throw new IOException("the disk of the tour does not hold the files that its diary needs");
        }
        diaryIndex = (int) (diary.inodePosition() % CHUNK_LENGTH);
        spareIndex = (int) (spare.inodePosition() % CHUNK_LENGTH);
        source.read((long) inodeChunk * CHUNK_LENGTH, inodes);
    }

    /** Lines since the diary was last emptied. */
    int lineCount() {
        return lineCount;
    }

    /** Adds a line: two writes, of which the second makes it part of the file. A full diary is emptied first. */
    void append(final String text, final Instant time) throws IOException {
        if (lineCount * LINE_LENGTH == SPARE_LENGTH) {
            empty(time);
        }
        final Ext2Inode diary = Ext2Inode.decode(inodes, diaryIndex);
        final int index = (int) diary.size % CHUNK_LENGTH;
        if (index == 0) {
            takeBlock(diary);
            Arrays.fill(lastBlock.array(), (byte) 0);
        }
        lastBlock.put(index, lineOf(text));
        disk.write(diary.pointers[(int) diary.size / CHUNK_LENGTH], lastBlock.duplicate());

        diary.size += LINE_LENGTH;
        diary.time = (int) time.getEpochSecond();
        diary.encode(inodes, diaryIndex);
        disk.write(inodeChunk, inodes.duplicate().clear());
        lineCount++;
    }

    /** Moves the last block of the spare file to the end of the diary, in memory: written with the diary's new size. */
    private void takeBlock(final Ext2Inode diary) {
        final Ext2Inode spare = Ext2Inode.decode(inodes, spareIndex);
        final int last = (int) (spare.size / CHUNK_LENGTH) - 1;
        diary.pointers[(int) diary.size / CHUNK_LENGTH] = spare.pointers[last];
        diary.sectors += SECTORS_PER_BLOCK;
        spare.pointers[last] = 0;
        spare.sectors -= SECTORS_PER_BLOCK;
        spare.size -= CHUNK_LENGTH;
        spare.encode(inodes, spareIndex);
    }

    /** All lines are gone: one write, as short as accidents are. */
    void empty(final Instant time) throws IOException {
        final Ext2Inode diary = Ext2Inode.decode(inodes, diaryIndex);
        final Ext2Inode spare = Ext2Inode.decode(inodes, spareIndex);
        final int blocks = (int) ((diary.size + CHUNK_LENGTH - 1) / CHUNK_LENGTH);
        for (int i = 0; i < blocks; i++) {
            spare.pointers[(int) spare.size / CHUNK_LENGTH] = diary.pointers[i];
            spare.size += CHUNK_LENGTH;
            spare.sectors += SECTORS_PER_BLOCK;
            diary.pointers[i] = 0;
        }
        diary.size = 0;
        diary.sectors = 0;
        diary.time = (int) time.getEpochSecond();
        diary.encode(inodes, diaryIndex);
        spare.encode(inodes, spareIndex);
        disk.write(inodeChunk, inodes.duplicate().clear());
        lineCount = 0;
    }

    private static byte[] lineOf(final String text) {
        final byte[] line = new byte[LINE_LENGTH];
        Arrays.fill(line, (byte) ' ');
        final byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, line, 0, Math.min(bytes.length, LINE_LENGTH - 1));
        line[LINE_LENGTH - 1] = '\n';
        return line;
    }
}
