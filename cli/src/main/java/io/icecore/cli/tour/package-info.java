/**
 * The command {@code tour}: the main job from end to end on a store of its own, the first thing a newcomer runs.
 *
 * <p>A tour that only claimed things would be an advertisement. So this one keeps its own record of what the disk held
 * ({@link io.icecore.cli.tour.WriteRecord}), kills the server with SIGKILL, and compares every byte of the past with the
 * record; it does nothing that a user could not: it runs the program's own commands, in processes of their own, and reads
 * and writes the disk over NBD. Start reading at {@link io.icecore.cli.tour.Tour}.
 *
 * <p>Uses the JDK, picocli and Jackson, and of this project nothing but the {@code icecore} command line.
 */
package io.icecore.cli.tour;
