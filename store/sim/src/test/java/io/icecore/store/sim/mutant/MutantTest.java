package io.icecore.store.sim.mutant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

class MutantTest {
    private static final String SUBJECT = "store.sim.mutant.MutantTest$Subject.";

    /** What is changed. */
    static final class Subject {
        private long sum;

        static long sumOfThree() {
            final Subject subject = new Subject();
            subject.addAll();
            return subject.sum;
        }

        void addAll() {
            add(1, 0);
            add(10, 0);
            add(100, 0);
        }

        boolean add(final long number, final int unused) {
            sum += number;
            return unused == 0;
        }

        static long throughLambda() {
            final LongUnaryOperator twice = number -> doubled(number);
            final LongUnaryOperator thrice = Subject::tripled;
            return twice.applyAsLong(1) + thrice.applyAsLong(1);
        }

        static long doubled(final long number) {
            return 2 * number;
        }

        static long tripled(final long number) {
            return 3 * number;
        }

        static long large() {
            return 123_456_789_012L + 5;
        }

        static boolean even(final long number) {
            if (number < 0) {
                throw new AssertionError("negative");
            }
            return number % 2 == 0;
        }

        static Map<String, Long> counted() {
            sumOfThree();
            return Probes.counts();
        }
    }

    /** What is called in its place. */
    static final class Wrong {
        static boolean addNegative(final Subject subject, final long number, final int unused) {
            return subject.add(-number, unused);
        }

        static long zero(final long number) {
            return 0;
        }

        static void addThousand(final Subject subject) {
            subject.add(1000, 0);
        }
    }

    private static Object run(final Mutant mutant, final String method, final Object... arguments) {
        return mutant.run(Subject.class, method, arguments);
    }

    private final Mutant none = new Mutant("none");

    @Test
    void withoutAnEditNothingIsWrong() {
        assertThat(run(none, "sumOfThree")).isEqualTo(111L);
        assertThat(Subject.sumOfThree()).isEqualTo(111L);
    }

    @Test
    void leavesOutAllCallsOrOne() {
        assertThat(run(none.in(SUBJECT + "addAll").skip("add"), "sumOfThree")).isEqualTo(0L);
        assertThat(run(none.in(SUBJECT + "addAll").skip("add", 2), "sumOfThree"))
                .isEqualTo(101L);
        assertThat(run(none.in(SUBJECT + "throughLambda").skip("doubled"), "throughLambda"))
                .as("in a lambda")
                .isEqualTo(3L);
    }

    @Test
    void callsSomethingElse() {
        assertThat(run(none.in(SUBJECT + "addAll").instead("add", Wrong.class, "addNegative"), "sumOfThree"))
                .isEqualTo(-111L);
        assertThat(run(none.in(SUBJECT + "throughLambda").instead("tripled", Wrong.class, "zero"), "throughLambda"))
                .as("a method reference")
                .isEqualTo(2L);
    }

    @Test
    void callsSomethingMore() {
        assertThat(run(none.in(SUBJECT + "addAll").first(Wrong.class, "addThousand"), "sumOfThree"))
                .isEqualTo(1111L);
        assertThat(run(none.in(SUBJECT + "addAll").last(Wrong.class, "addThousand"), "sumOfThree"))
                .isEqualTo(1111L);
    }

    @Test
    void changesConstants() {
        assertThat(run(none.in(SUBJECT + "large").constant(123_456_789_017L, 1), "large"))
                .isEqualTo(1L);
        assertThat(run(none.in(SUBJECT + "doubled").constant(2, 1000), "doubled", 3L))
                .isEqualTo(3000L);
    }

    @Test
    void returnsAtOnce() {
        assertThat(run(none.in(SUBJECT + "even").returns(true), "even", 3L)).isEqualTo(true);
        assertThat(run(none.in(SUBJECT + "addAll").returns(null), "sumOfThree")).isEqualTo(0L);
    }

    @Test
    void countsCallsForEachMutantAlone() {
        final Mutant counting = none.counting(SUBJECT + "add", SUBJECT + "doubled");

        for (int round = 0; round < 2; round++) {
            assertThat(run(counting, "counted")).isEqualTo(Map.of(SUBJECT + "add", 3L));
        }
    }

    @Test
    void editsAddUp() {
        final Mutant both = none.in(SUBJECT + "addAll")
                .skip("add", 1)
                .and(none.in(SUBJECT + "addAll").skip("add", 2));

        assertThat(run(both, "sumOfThree")).isEqualTo(10L); // What was the third call is the second by then.
    }

    @Test
    void aMutantThatDoesNotFitTheCodeFails() {
        for (final Mutant mutant : List.of(
                none.in(SUBJECT + "addAll").skip("subtract"),
                none.in(SUBJECT + "addAll").skip("add", 4),
                none.in(SUBJECT + "subtract").returns(0L),
                none.in(SUBJECT + "large").constant(7, 8))) {
            assertThatThrownBy(() -> run(mutant, "sumOfThree"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("does not fit the code");
        }
    }

    @Test
    void whatTheMutantThrowsComesOut() {
        assertThatThrownBy(() -> run(none, "even", -1L))
                .isInstanceOf(AssertionError.class)
                .hasMessage("negative");
    }
}
