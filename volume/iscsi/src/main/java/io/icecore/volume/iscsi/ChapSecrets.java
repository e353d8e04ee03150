package io.icecore.volume.iscsi;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * CHAP secrets out of a file that only its owner may read:
 *
 * <pre>
 * # who may log in
 * initiator web1     correct horse battery
 * initiator web2     staple staple staple
 * # what the target proves to those who ask
 * target    icecore  an entirely other one
 * </pre>
 *
 * <p>A secret is the rest of its line without surrounding white space. No message contains one.
 *
 * @param initiators names and secrets of initiators
 * @param target     of the target, or null
 */
public record ChapSecrets(List<ChapCredential> initiators, ChapCredential target) {
    public static final ChapSecrets NONE = new ChapSecrets(List.of(), null);

    private static final int FILE_LENGTH_MAX = 1 << 20;
    private static final Set<PosixFilePermission> OWNER =
            EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    /** @throws IllegalArgumentException naming the file, the line and the rule that is broken */
    public static ChapSecrets read(final Path file) throws IOException {
        final PosixFileAttributes attributes = Files.readAttributes(file, PosixFileAttributes.class);
        if (!attributes.isRegularFile() || attributes.size() > FILE_LENGTH_MAX) {
            throw broken(file, "no text file of at most 1 MiB");
        }
        if (!OWNER.containsAll(attributes.permissions())) {
            throw broken(file, "others than its owner have rights on it (expected: mode 0600)");
        }
        return parse(file, Files.readAllLines(file, StandardCharsets.UTF_8));
    }

    private static ChapSecrets parse(final Path file, final List<String> lines) {
        final List<ChapCredential> initiators = new ArrayList<>();
        ChapCredential target = null;
        for (int i = 0; i < lines.size(); i++) {
            final String line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            final String[] words = line.split("\\s+", 3);
            final boolean ofTarget = words[0].equals("target");
            if (words.length < 3 || !ofTarget && !words[0].equals("initiator") || ofTarget && target != null) {
                throw broken(
                        file, "line " + (i + 1) + " (expected: initiator NAME SECRET, or once target NAME SECRET)");
            }
            final ChapCredential credential = credential(file, i + 1, words[1], words[2]);
            if (ofTarget) {
                target = credential;
            } else {
                initiators.add(credential);
            }
        }
        if (initiators.isEmpty()) {
            throw broken(file, "no line for an initiator");
        }
        return new ChapSecrets(List.copyOf(initiators), target);
    }

    private static ChapCredential credential(final Path file, final int line, final String name, final String secret) {
        try {
            return new ChapCredential(name, secret);
        } catch (final IllegalArgumentException ex) {
            throw broken(file, "line " + line + ": " + ex.getMessage());
        }
    }

    private static IllegalArgumentException broken(final Path file, final String problem) {
        return new IllegalArgumentException("secrets file: " + file + ": " + problem);
    }
}
