/**
 * What is on the device, structure by structure, for people who debug it. Read-only, beside a daemon or not, and of a
 * damaged store what can be read of it.
 *
 * <p>Start reading at {@link io.icecore.recovery.dump.StoreDump}. Here structures become values and words; {@code cli}
 * makes lines or JSON of them.
 *
 * <p>Uses {@code recovery.check} for reading one commit, the marker of {@code recovery.repair}, and the formats below; is used by {@code cli}.
 */
package io.icecore.recovery.dump;
