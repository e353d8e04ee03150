package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.sim.mutant.Hunt;
import io.icecore.store.sim.mutant.Mutant;
import io.icecore.store.sim.mutant.MutantReport;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Each rule of the protocols is broken on purpose, and some test must notice. A few in every build, all of them nightly;
 * {@code -Dmutant=TEXT} tries those alone that have the text in their name.
 */
class CommitMutantsTest {

    /** Caught within the first states of a search. */
    private static final Set<String> QUICK = Set.of(
            "no flush at the commit point",
            "what is written during a flush is not listed",
            "one copy of a superblock",
            "frees are not logged",
            "blocks are free when the commit that freed them is durable",
            "the newest commit is not verified",
            "generations go on by one",
            "what cannot be read is taken for torn");

    private static List<Hunt> hunts(final long seeds) {
        return List.of(
                Hunt.of(OpeningRulesTest.class),
                Hunt.of(SuperblockPlacesTest.class),
                new Hunt("CommitCrashTest", seeds, (mutant, seed) -> search(mutant, "", seed)),
                new Hunt("CommitCrashTest, small limits", seeds, CommitMutantsTest::searchWithSmallLimits),
                Hunt.of(StoreSpaceFoldTest.class));
    }

    private static void search(final Mutant mutant, final String variant, final long seed) {
        mutant.run(CrashSearch.class, "search", variant, seed, 1L, 2, new HashSet<>());
    }

    private static void searchWithSmallLimits(final Mutant mutant, final long seed) {
        search(mutant.and(CommitCrashTest.smallLimits()), "-Dcrash.small=true", 100 + seed);
    }

    @Test
    void everyMutantFitsTheCode() {
        CommitMutants.all().forEach(Mutant::requireFitting);
    }

    @Test
    void someMutantsAreCaughtInEveryBuild() {
        final MutantReport report = new MutantReport(hunts(6));
        CommitMutants.all().stream()
                .filter(mutant -> QUICK.contains(mutant.name()))
                .forEach(report::hunt);

        assertThat(report.escaped()).isEmpty();
    }

    @Test
    @Tag("nightly")
    void everyMutantIsCaught() {
        final MutantReport report = new MutantReport(hunts(18));
        CommitMutants.all().stream()
                .filter(mutant -> mutant.name().contains(System.getProperty("mutant", "")))
                .forEach(report::hunt);

        assertThat(report.escaped()).isEmpty();
    }
}
