/**
 * The engine's front: {@link io.icecore.store.Store}, one device with one current generation. Knows nothing of volumes.
 */
package io.icecore.store;
