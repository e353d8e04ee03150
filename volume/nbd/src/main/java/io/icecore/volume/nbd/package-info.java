/**
 * Offers volumes and snapshots to NBD clients. The specification is {@code doc/proto.md} of NetworkBlockDevice/nbd; class
 * comments name its sections.
 *
 * <p>Start reading at {@link io.icecore.volume.nbd.NbdTransmission}, which is where a connection spends its life; before it
 * comes {@link io.icecore.volume.nbd.NbdHandshake}. Bytes in are {@link io.icecore.volume.nbd.NbdInput} and
 * {@link io.icecore.volume.nbd.NbdRequestDecoder}, bytes out {@link io.icecore.volume.nbd.NbdReplyEncoder} and
 * {@link io.icecore.volume.nbd.NbdReplies}.
 *
 * <p>Threads: one a connection, which reads, decodes and executes what it can itself; a second one that writes the replies
 * of requests executed elsewhere, so that a client that does not read holds up nobody but itself.
 *
 * <p>Uses {@code volume}; is used by {@code cli}.
 */
package io.icecore.volume.nbd;
