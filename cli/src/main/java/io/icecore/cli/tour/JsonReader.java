package io.icecore.cli.tour;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a JSON document (RFC 8259) into maps, lists, strings, {@code Long} or {@code Double}, booleans and null.
 *
 * <p>For what our own commands print: the program has no library for it, since nothing else of it reads JSON.
 */
final class JsonReader {
    private static final int DEPTH_MAX = 64;

    private final String text;
    private int at;
    private int depth;

    private JsonReader(final String text) {
        this.text = text;
    }

    static Object read(final String document) throws IOException {
        final JsonReader reader = new JsonReader(document);
        final Object value = reader.value();
        reader.skipSpace();
        if (reader.at < document.length()) {
            throw reader.unexpected();
        }
        return value;
    }

    private Object value() throws IOException {
        skipSpace();
        if (++depth > DEPTH_MAX) {
            throw unexpected();
        }
        try {
            return switch (peek()) {
                case '{' -> object();
                case '[' -> array();
                case '"' -> string();
                case 't' -> word("true", true);
                case 'f' -> word("false", false);
                case 'n' -> word("null", null);
                default -> number();
            };
        } finally {
            depth--;
        }
    }

    private Map<String, Object> object() throws IOException {
        final Map<String, Object> members = new LinkedHashMap<>();
        at++;
        for (boolean more = !tryTake('}'); more; more = anotherBefore('}')) {
            skipSpace();
            final String name = string();
            if (!tryTake(':')) {
                throw unexpected();
            }
            members.put(name, value());
        }
        return members;
    }

    private List<Object> array() throws IOException {
        final List<Object> elements = new ArrayList<>();
        at++;
        for (boolean more = !tryTake(']'); more; more = anotherBefore(']')) {
            elements.add(value());
        }
        return elements;
    }

    private boolean anotherBefore(final char end) throws IOException {
        if (tryTake(',')) {
            return true;
        }
        if (tryTake(end)) {
            return false;
        }
        throw unexpected();
    }

    private String string() throws IOException {
        if (peek() != '"') {
            throw unexpected();
        }
        at++;
        final StringBuilder string = new StringBuilder();
        while (peek() != '"') {
            final char c = text.charAt(at++);
            string.append(c == '\\' ? escaped() : c);
        }
        at++;
        return string.toString();
    }

    private char escaped() throws IOException {
        final char c = peek();
        at++;
        return switch (c) {
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> codeUnit();
            default -> c;
        };
    }

    private char codeUnit() throws IOException {
        if (at + 4 > text.length()) {
            throw unexpected();
        }
        try {
            final char unit = (char) Integer.parseInt(text.substring(at, at + 4), 16);
            at += 4;
            return unit;
        } catch (final NumberFormatException ex) {
            throw unexpected();
        }
    }

    private Object word(final String word, final Object value) throws IOException {
        if (!text.startsWith(word, at)) {
            throw unexpected();
        }
        at += word.length();
        return value;
    }

    private Object number() throws IOException {
        final int begin = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        final String number = text.substring(begin, at);
        try {
            return number.matches("-?\\d+") ? (Object) Long.valueOf(number) : Double.valueOf(number);
        } catch (final NumberFormatException ex) {
            at = begin;
            throw unexpected();
        }
    }

    private boolean tryTake(final char c) throws IOException {
        skipSpace();
        if (peek() != c) {
            return false;
        }
        at++;
        return true;
    }

    private void skipSpace() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() throws IOException {
        if (at >= text.length()) {
            throw unexpected();
        }
        return text.charAt(at);
    }

    private IOException unexpected() {
        final String found = at >= text.length() ? "the end" : "'" + text.charAt(at) + "'";
        return new IOException("JSON: " + found + " at character " + at);
    }
}
