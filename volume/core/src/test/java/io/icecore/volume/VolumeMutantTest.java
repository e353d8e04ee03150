package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.sim.mutant.Mutant;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every wrong rule is caught by a test of the volume layer: what these tests are worth. Prints by which, and how. */
class VolumeMutantTest {
    private static final int MINUTES_MAX = 5;

    @Test
    void allOfThemFitTheCode() {
        Stream.of(VolumeMutants.FEW, VolumeMutants.UNSEEN, VolumeMutants.MORE)
                .flatMap(List::stream)
                .forEach(Mutant::requireFitting);
    }

    @TestFactory
    Stream<DynamicTest> someAreCaught() {
        return each(VolumeMutants.FEW, "model");
    }

    @TestFactory
    Stream<DynamicTest> thoseThatOnlyAPowerLossShowsAreCaught() {
        return each(VolumeMutants.UNSEEN, "crash");
    }

    @TestFactory
    @Tag("nightly")
    Stream<DynamicTest> allOthersAreCaught() {
        return each(VolumeMutants.MORE, "model");
    }

    private static Stream<DynamicTest> each(final List<Mutant> mutants, final String trial) {
        return mutants.stream()
                .map(mutant -> DynamicTest.dynamicTest(mutant.name(), () -> {
                    final String caught = caught(mutant, trial);
                    System.out.println("VolumeMutantTest: " + mutant + ": " + caught);
                    assertThat(caught).as("what caught: " + mutant).isNotNull();
                }));
    }

    /** A mutant may also run in circles, which is noticed as well. */
    private static String caught(final Mutant mutant, final String trial) throws InterruptedException {
        final FutureTask<Object> task = new FutureTask<>(() -> mutant.run(VolumeTrial.class, trial));
        final Thread thread = new Thread(task, "mutant");
        thread.setDaemon(true);
        thread.start();
        try {
            return (String) task.get(MINUTES_MAX, TimeUnit.MINUTES);
        } catch (final TimeoutException ex) {
            return "never ended";
        } catch (final ExecutionException ex) {
            throw new AssertionError(mutant + ": " + ex.getCause(), ex);
        }
    }
}
