package io.icecore.store.device;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;

/**
 * The system calls of 64-bit Linux that Java does not offer. Loading this class costs about 100 ms, once.
 *
 * <p>Every call throws {@link LastErrorException} with the errno where the system call fails.
 */
final class LinuxCalls {
    static final int EINTR = 4;
    static final int ENXIO = 6;
    static final int EACCES = 13;
    static final int EAGAIN = 11;
    static final int EBUSY = 16;
    static final int ENOSPC = 28;
    static final int EDQUOT = 122;

    private static final int O_RDWR = 0_2;
    private static final int O_EXCL = 0_200;
    private static final int O_CLOEXEC = 0_2_000_000;

    private static final int F_OFD_SETLK = 37;
    private static final short F_WRLCK = 1;
    private static final int FLOCK_LENGTH = 32;

    private static final int SYNC_FILE_RANGE_WRITE = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final long BLKDISCARD = 0x1277;

    static {
        final String system = System.getProperty("os.name");
        if (!system.equals("Linux") || Native.LONG_SIZE != Long.BYTES) {
            throw new UnsatisfiedLinkError("needs 64-bit Linux (this is: " + system + ")");
        }
        Native.register(LinuxCalls.class, "c");
    }

    private LinuxCalls() {}

    /**
     * Takes an exclusive "open file description" lock on the whole file, without waiting (fcntl(2), F_OFD_SETLK).
     *
     * <p>Unlike the lock that Java offers it belongs to this opening and not to the process, so that no other opening of
     * the same file, in this process or elsewhere, can share it or lose it by closing. Java's locks conflict with it.
     */
    static void lockExclusively(final int descriptor) {
        try (Memory flock = new Memory(FLOCK_LENGTH)) {
            flock.clear(); // l_whence, l_start and l_len of 0: from the start to wherever the end will be.
            flock.setShort(0, F_WRLCK);
            fcntl(descriptor, F_OFD_SETLK, flock);
        }
    }

    /** Opens a block device so that nobody else can mount it, or claim it in the same way, until it is closed. */
    static int claimBlockDevice(final String path) {
        return open(path, O_RDWR | O_EXCL | O_CLOEXEC);
    }

    static void punchHole(final int descriptor, final long position, final long length) {
        fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position, length);
    }

    /** Allocates what is a hole in this range, up to the end of the file or beyond; its content stays as it is. */
    static void allocate(final int descriptor, final long position, final long length) {
        fallocate(descriptor, FALLOC_FL_KEEP_SIZE, position, length);
    }

    /** Start of the first hole of a file at or after {@code position}; its end is a hole. Moves the descriptor's offset. */
    static long nextHole(final int descriptor, final long position) {
        return lseek(descriptor, position, SEEK_HOLE);
    }

    /** Start of the first data at or after {@code position}; ENXIO where there is none. Moves the descriptor's offset. */
    static long nextData(final int descriptor, final long position) {
        return lseek(descriptor, position, SEEK_DATA);
    }

    /** Begins to write what the page cache holds of this range, without waiting. */
    static void beginWriteBack(final int descriptor, final long position, final long length) {
        sync_file_range(descriptor, position, length, SYNC_FILE_RANGE_WRITE);
    }

    /** Begins to read into the page cache what it does not hold of this range, without waiting for the device. */
    static void beginRead(final int descriptor, final long position, final long length) {
        readahead(descriptor, position, length);
    }

    static void discardBlocks(final int descriptor, final long position, final long length) {
        try (Memory range = new Memory(2 * Long.BYTES)) {
            range.setLong(0, position);
            range.setLong(Long.BYTES, length);
            ioctl(descriptor, BLKDISCARD, range);
        }
    }

    private static native int fcntl(int descriptor, int command, Pointer argument) throws LastErrorException;

    private static native int open(String path, int flags) throws LastErrorException;

    static native int close(int descriptor) throws LastErrorException;

    static native int ftruncate(int descriptor, long length) throws LastErrorException;

    private static native int fallocate(int descriptor, int mode, long position, long length) throws LastErrorException;

    private static native long lseek(int descriptor, long offset, int whence) throws LastErrorException;

    private static native int sync_file_range(int descriptor, long offset, long length, int flags)
            throws LastErrorException;

    private static native long readahead(int descriptor, long offset, long count) throws LastErrorException;

    private static native int ioctl(int descriptor, long request, Pointer argument) throws LastErrorException;

    /** What this errno is called in the language of this process; exceptions of the JDK carry the same words. */
    static native String strerror(int errno);
}
