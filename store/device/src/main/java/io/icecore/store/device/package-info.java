/**
 * What a store lives on: the contract of a block device and its implementation over files and raw devices.
 *
 * <p>Start reading at {@link io.icecore.store.device.BlockDevice}: its three promises are all that the layers above rely
 * on. {@link io.icecore.store.device.FileBlockDevice} keeps them on Linux. Also here, because everything above needs it:
 * {@link io.icecore.store.device.StoreException}, the root of the store's failures.
 *
 * <p>Uses nothing of the project. The only place where {@link java.nio.ByteBuffer} and Agrona's buffers meet on the way
 * to the device is {@link io.icecore.store.device.Transfer}; the only native calls are in
 * {@link io.icecore.store.device.LinuxCalls}.
 */
package io.icecore.store.device;
