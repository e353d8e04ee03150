/**
 * The iSCSI target (RFC 7143): portals, sessions, PDUs. Start reading at {@link io.icecore.volume.iscsi.IscsiTarget}.
 *
 * <p>Uses {@code volume.iscsi.scsi}, which knows what the commands mean, and {@code volume}; is used by {@code cli}.
 */
package io.icecore.volume.iscsi;
