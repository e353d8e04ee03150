package io.icecore.cli;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import java.time.Clock;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The rules of the layout that a compiler does not check. This module is the one that sees all the others. */
class LayeringTest {
    private static final String ROOT = "io.icecore.";

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.icecore");

    /**
     * What a package may use, in one step; what those use it may use as well. A package that is not listed here, or is
     * below none that is, has no place in the layout yet.
     */
    private static final Map<String, List<String>> ARROWS = new TreeMap<>(Map.ofEntries(
            Map.entry("store.device", List.of()),
            Map.entry("store.format", List.of("store.device")),
            Map.entry("store.space", List.of("store.format")),
            Map.entry("store.log", List.of("store.space")),
            Map.entry("store.tree", List.of("store.log")),
            Map.entry("store.clean", List.of("store.log")),
            Map.entry("store.commit", List.of("store.tree")),
            Map.entry("store", List.of("store.commit", "store.clean")),
            Map.entry("volume.map", List.of("store")),
            Map.entry("volume", List.of("volume.map")),
            Map.entry("volume.nbd", List.of("volume")),
            Map.entry("volume.iscsi.scsi", List.of("volume")),
            Map.entry("volume.iscsi", List.of("volume.iscsi.scsi")),
            Map.entry("recovery.point", List.of("volume")),
            Map.entry("recovery.delta", List.of("volume")),
            Map.entry("recovery.check", List.of("volume")),
            Map.entry("recovery.scrub", List.of("recovery.check")),
            Map.entry("recovery.repair", List.of("recovery.check")),
            Map.entry("recovery.dump", List.of("recovery.repair")), // For its marker.
            Map.entry("cli.control", List.of("store.device")), // For its exceptions.
            Map.entry(
                    "cli.daemon",
                    List.of(
                            "cli.control",
                            "volume.nbd",
                            "volume.iscsi",
                            "recovery.point",
                            "recovery.delta",
                            "recovery.check",
                            "recovery.scrub",
                            "recovery.repair",
                            "recovery.dump")),
            Map.entry("cli.tour", List.of("cli.daemon")),
            Map.entry("cli", List.of("cli.tour", "cli.daemon"))));

    @Test
    void dependenciesFollowTheArrows() {
        final Set<String> violations = new TreeSet<>();
        for (final JavaClass origin : CLASSES) {
            final String from = layer(origin);
            for (final Dependency dependency : origin.getDirectDependenciesFromSelf()) {
                final JavaClass target = dependency.getTargetClass().getBaseComponentType();
                if (target.getPackageName().startsWith(ROOT) && !reachable(from).contains(layer(target))) {
                    violations.add(from + " -> " + layer(target) + ": " + dependency.getDescription());
                }
            }
        }
        assertThat(violations).isEmpty();
    }

    @Test
    void theArrowsHaveNoCycle() {
        for (final String layer : ARROWS.keySet()) {
            for (final String below : reachable(layer)) {
                assertThat(below.equals(layer) || !reachable(below).contains(layer))
                        .as(layer + " and " + below)
                        .isTrue();
            }
        }
    }

    @Test
    void nobodyMapsFilesThroughChronicle() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveNameMatching("net\\.openhft\\.chronicle\\.bytes\\.Mapped.*")
                .because("a failed msync is only logged there")
                .check(CLASSES);
    }

    @Test
    void formatsDoNoInputAndOutput() {
        noClasses()
                .that()
                .resideInAPackage("io.icecore.store.format..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.nio.channels..", "java.nio.file..", "java.net..")
                .orShould()
                .callMethodWhere(owner(BlockDevice.class, "methods of the device"))
                .because("formats are pure functions on buffers")
                .check(CLASSES);
    }

    @Test
    void timeComesFromAClockThatTheProgramWires() {
        noClasses()
                .that()
                .doNotBelongToAnyOf(Main.class, Rehearsal.class, Store.class) // The facade has a clock by default.
                .and()
                .resideOutsideOfPackage("io.icecore.cli.tour..") // A program of its own, with people waiting for it.
                .should()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(Instant.class, "now")
                .orShould()
                .callConstructor(Date.class)
                .orShould()
                .callMethodWhere(systemClock())
                .because("tests run months in a moment")
                .check(CLASSES);
    }

    @Test
    void protocolsAndLibrariesStayAtHome() {
        at("picocli..", "io.icecore.cli..");
        at("com.sun.jna..", "io.icecore.store.device..");
        at("net.openhft.chronicle..", "io.icecore.store.device..", "io.icecore.volume", "io.icecore.recovery.delta..");
    }

    private static void at(final String library, final String... homes) {
        noClasses()
                .that()
                .resideOutsideOfPackages(homes)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(library)
                .check(CLASSES);
    }

    private static DescribedPredicate<JavaCall<?>> owner(final Class<?> type, final String name) {
        return describe(name, call -> call.getTargetOwner().isEquivalentTo(type));
    }

    private static DescribedPredicate<JavaCall<?>> systemClock() {
        return describe(
                "a clock of the system",
                call -> call.getTargetOwner().isEquivalentTo(Clock.class)
                        && call.getName().startsWith("system"));
    }

    /** The listed package that a class is in: its own, or the nearest above. */
    private static String layer(final JavaClass type) {
        String name = type.getPackageName().substring(ROOT.length());
        while (!ARROWS.containsKey(name)) {
            final int dot = name.lastIndexOf('.');
            assertThat(dot)
                    .as("package without a place in the layout: " + type.getPackageName())
                    .isPositive();
            name = name.substring(0, dot);
        }
        return name;
    }

    private static Set<String> reachable(final String layer) {
        final Set<String> reachable = new LinkedHashSet<>();
        addReachable(layer, reachable);
        return reachable;
    }

    private static void addReachable(final String layer, final Set<String> reachable) {
        if (reachable.add(layer)) {
            ARROWS.get(layer).forEach(below -> addReachable(below, reachable));
        }
    }
}
