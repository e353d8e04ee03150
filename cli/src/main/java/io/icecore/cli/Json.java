package io.icecore.cli;

import java.io.PrintStream;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Builds JSON documents (RFC 8259) from maps, collections, strings, numbers, booleans and null.
 *
 * <p>Our own sixty lines and no library: loading one costs a short command more time than all its work.
 */
final class Json {
    private static final int PRINTED_LENGTH = 8 << 10;

    private final Map<String, Object> members = new LinkedHashMap<>();

    private Json() {}

    static Json object() {
        return new Json();
    }

    /** Members stand in the order in which they were added. */
    Json with(final String name, final Object value) {
        members.put(name, value);
        return this;
    }

    @Override
    public String toString() {
        return document(this);
    }

    static String document(final Object value) {
        final StringBuilder text = new StringBuilder();
        append(text, value);
        return text.toString();
    }

    /** Prints an array as one line. Each element is made when it is its turn, so that a long array is never in memory. */
    static <T> void printArray(final PrintStream out, final Iterable<T> elements, final Function<T, Json> json) {
        final StringBuilder text = new StringBuilder("[");
        String separator = "";
        for (final T element : elements) {
            text.append(separator);
            append(text, json.apply(element));
            separator = ",";
            if (text.length() >= PRINTED_LENGTH) {
                out.print(text);
                text.setLength(0);
            }
        }
        out.println(text.append(']'));
    }

    private static void append(final StringBuilder text, final Object value) {
        if (value instanceof Json json) {
            append(text, json.members);
        } else if (value instanceof Map<?, ?> map) {
            appendObject(text, map);
        } else if (value instanceof Collection<?> list) {
            appendArray(text, list);
        } else if (value instanceof Double number && !Double.isFinite(number)) {
            text.append("null"); // The format has no word for it.
        } else if (value == null || value instanceof Number || value instanceof Boolean) {
            text.append(value);
        } else {
            appendString(text, value.toString());
        }
    }

    private static void appendObject(final StringBuilder text, final Map<?, ?> map) {
        String separator = "{";
        for (final Map.Entry<?, ?> member : map.entrySet()) {
            text.append(separator);
            appendString(text, member.getKey().toString());
            text.append(':');
            append(text, member.getValue());
            separator = ",";
        }
        text.append(map.isEmpty() ? "{}" : "}");
    }

    private static void appendArray(final StringBuilder text, final Collection<?> list) {
        String separator = "[";
        for (final Object element : list) {
            text.append(separator);
            append(text, element);
            separator = ",";
        }
        text.append(list.isEmpty() ? "[]" : "]");
    }

    private static void appendString(final StringBuilder text, final String value) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            final char c = value.charAt(i);
            switch (c) {
                case '"', '\\' -> text.append('\\').append(c);
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                default -> {
                    if (c < 0x20 || Character.isSurrogate(c)) {
                        text.append(String.format("\\u%04x", (int) c));
                    } else {
                        text.append(c);
                    }
                }
            }
        }
        text.append('"');
    }
}
