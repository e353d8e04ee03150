package io.icecore.cli;

import java.util.LinkedHashMap;
import java.util.Map;

/** Names and values for people, one pair a line. */
final class Facts {
    private final Map<String, String> lines = new LinkedHashMap<>();

    /** In the order of printing. */
    Facts add(final String name, final String value) {
        lines.put(name, value);
        return this;
    }

    void print(final Console console) {
        final int width = lines.keySet().stream().mapToInt(String::length).max().orElse(0);
        lines.forEach((name, value) -> console.out().println(name + " ".repeat(width - name.length()) + "  " + value));
    }
}
