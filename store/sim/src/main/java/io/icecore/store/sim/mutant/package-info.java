/**
 * The program with one deliberate fault in it, to see which test notices; or with counters in it, to see that a test gets
 * where it should. Production code knows nothing of either: the classes are changed while they are loaded, by a loader
 * of their own.
 *
 * <p>Start reading at {@link io.icecore.store.sim.mutant.Mutant}.
 *
 * <p>Uses {@code store.device}; is used by tests only.
 */
package io.icecore.store.sim.mutant;
