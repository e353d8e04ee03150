/**
 * Reading and writing blocks, and which of them no flush covers yet.
 *
 * <p>Start at {@link io.icecore.store.log.UncoveredBlocks}.
 */
package io.icecore.store.log;
