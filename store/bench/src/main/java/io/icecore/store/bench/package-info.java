/**
 * What the parts of the engine cost, in time and in memory allocated: run with {@code -prof gc}. docs/benchmarks.md has the
 * command and the figures.
 */
package io.icecore.store.bench;
