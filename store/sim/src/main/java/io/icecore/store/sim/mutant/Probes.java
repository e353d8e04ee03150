package io.icecore.store.sim.mutant;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** How often the methods of {@link Mutant#counting} were called. Thread-safe; each mutant has its own. */
public final class Probes {
    private static final Map<String, LongAdder> COUNTS = new ConcurrentHashMap<>();

    private Probes() {}

    /** Called from where {@link Mutant#counting} put it. */
    public static void hit(final String method) {
        COUNTS.computeIfAbsent(method, name -> new LongAdder()).increment();
    }

    /** Of the mutant that the caller was loaded by; methods never called are missing. */
    public static Map<String, Long> counts() {
        final Map<String, Long> counts = new TreeMap<>();
        COUNTS.forEach((method, count) -> counts.put(method, count.sum()));
        return counts;
    }
}
