/**
 * A device whose power fails on demand, a clock that stands still: what tests need to see everything that can go wrong.
 *
 * <p>Start reading at {@link io.icecore.store.sim.SimBlockDevice}: exactly as bad as the contract of
 * {@link io.icecore.store.device.BlockDevice} allows, and deterministic. {@link io.icecore.store.sim.UnflushedWrites}
 * decides what a power loss leaves, {@link io.icecore.store.sim.FaultPlan} which operation fails.
 *
 * <p>Uses {@code store.device}; is used by tests only.
 */
package io.icecore.store.sim;
