package io.icecore.volume;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * What others keep with a volume: its policy, and small named values. A value that is too long for one entry of the
 * catalogue takes several of the same name, in the order of their ordinals.
 */
final class Attributes {
    static final int POLICY_LENGTH_MAX = 1000;
    static final int VALUE_LENGTH_MAX = 64 << 10;
    private static final int PART_LENGTH_MAX = 1024;

    private final Volumes volumes;

    Attributes(final Volumes volumes) {
        this.volumes = volumes;
    }

    Optional<byte[]> policy(final String volume) {
        return volumes.look(() -> {
            final CatalogueTree tree = volumes.tree();
            return tree.get(CatalogueTree.POLICY, volumes.volume(volume).id, 0)
                    ? Optional.of(tree.read("policy").getBytes())
                    : Optional.empty();
        });
    }

    /** @param policy or null: none */
    void setPolicy(final String volume, final byte[] policy) {
        checkLength("policy", policy, POLICY_LENGTH_MAX);
        volumes.changeDurably(() -> {
            final CatalogueTree tree = volumes.tree();
            final long id = volumes.volume(volume).id;
            volumes.changing();
            if (policy == null) {
                tree.remove(CatalogueTree.POLICY, id, 0);
            } else {
                tree.write().putBytes(policy);
                tree.put(CatalogueTree.POLICY, id, 0);
            }
            return null;
        });
    }

    Optional<byte[]> attribute(final String volume, final String name) {
        return volumes.look(() -> {
            final CatalogueTree tree = volumes.tree();
            final long id = volumes.volume(volume).id;
            final ByteArrayOutputStream value = new ByteArrayOutputStream();
            boolean found = false;
            for (boolean more = tree.next(CatalogueTree.ATTRIBUTE, id, 0);
                    more;
                    more = tree.next(CatalogueTree.ATTRIBUTE, id, tree.sub() + 1)) {
                final RecordReader reader = tree.read("attribute");
                if (reader.getName().equals(name)) {
                    value.writeBytes(reader.getBytes());
                    found = true;
                }
            }
            return found ? Optional.of(value.toByteArray()) : Optional.empty();
        });
    }

    /** @param value or null: none */
    void setAttribute(final String volume, final String name, final byte[] value) {
        Spec.requireName("attribute", name);
        checkLength("attribute " + name, value, VALUE_LENGTH_MAX);
        volumes.changeDurably(() -> {
            final CatalogueTree tree = volumes.tree();
            final long id = volumes.volume(volume).id;
            volumes.changing();
            final Set<Long> taken = removeParts(id, name);
            long ordinal = 0;
            for (int from = 0; value != null && (from == 0 || from < value.length); from += PART_LENGTH_MAX) {
                while (taken.contains(ordinal)) {
                    ordinal++;
                }
                final byte[] part = Arrays.copyOfRange(value, from, Math.min(value.length, from + PART_LENGTH_MAX));
                tree.write().putName(name).putBytes(part);
                tree.put(CatalogueTree.ATTRIBUTE, id, ordinal++);
            }
            return null;
        });
    }

    /** Returns the ordinals of all other attributes. */
    private Set<Long> removeParts(final long id, final String name) {
        final CatalogueTree tree = volumes.tree();
        final Set<Long> others = new HashSet<>();
        long ordinal = 0;
        while (tree.next(CatalogueTree.ATTRIBUTE, id, ordinal)) {
            ordinal = tree.sub();
            if (tree.read("attribute").getName().equals(name)) {
                tree.remove(CatalogueTree.ATTRIBUTE, id, ordinal);
            } else {
                others.add(ordinal);
            }
            ordinal++;
        }
        return others;
    }

    /** Removes everything kept with a volume that is gone. Under the lock. */
    void removeAll(final long id) {
        final CatalogueTree tree = volumes.tree();
        tree.remove(CatalogueTree.POLICY, id, 0);
        while (tree.next(CatalogueTree.ATTRIBUTE, id, 0)) {
            tree.remove(CatalogueTree.ATTRIBUTE, id, tree.sub());
        }
    }

    private static void checkLength(final String what, final byte[] value, final int lengthMax) {
        if (value != null && value.length > lengthMax) {
            throw new IllegalArgumentException(what + ": " + value.length + " bytes (expected: <= " + lengthMax + ")");
        }
    }
}
