package io.icecore.store.sim.mutant;

/**
 * A test that may catch a mutant: it fails when something is wrong.
 *
 * @param name  of the test, for the report
 * @param seeds how many seeds are tried before the mutant is said to have escaped it
 */
public record Hunt(String name, long seeds, Attempt attempt) {
    /** One run of the test on a mutant. Throws when it catches it. */
    public interface Attempt {
        void run(Mutant mutant, long seed);
    }

    /** A test without seeds: all methods of a test class, each on a new object. */
    public static Hunt of(final Class<?> testClass) {
        return new Hunt(
                testClass.getSimpleName(),
                1,
                (mutant, seed) -> mutant.run(TestClassRunner.class, "runAll", testClass.getName()));
    }
}
