/**
 * SCSI as a block device speaks it (SPC-4, SBC-3), on top of an export and below any transport.
 *
 * <p>Start reading at {@link io.icecore.volume.iscsi.scsi.LogicalUnit#plan}: a command goes in, a
 * {@link io.icecore.volume.iscsi.scsi.Plan} comes out, and the transport does what it says. Everything that initiators
 * share (reservations, mode pages, unit attentions, the gate for read-modify-write commands) lives in the logical unit.
 *
 * <p>Uses {@code volume}; is used by {@code volume.iscsi}.
 */
package io.icecore.volume.iscsi.scsi;
