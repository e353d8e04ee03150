/**
 * Just enough of the ext2 file system to make a real one and to read it again, in plain Java.
 *
 * <p>The tour needs a disk with real files on machines that have no file system tools, and must read a file out of a
 * snapshot without mounting it. {@link io.icecore.cli.tour.ext2.Ext2Image} writes, {@link
 * io.icecore.cli.tour.ext2.Ext2Reader} reads; each knows the format from {@code Ext2Layout} and nothing of the other, so
 * that one checks the other, and both are checked against {@code e2fsck} and {@code debugfs}.
 *
 * <p>Uses the JDK only. The format: Linux, {@code Documentation/filesystems/ext2.rst} and {@code fs/ext2/ext2.h}.
 */
package io.icecore.cli.tour.ext2;
