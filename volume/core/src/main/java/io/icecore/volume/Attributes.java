package io.icecore.volume;

import java.util.Optional;

/** What others keep with a volume: its policy, and small named values. */
final class Attributes {
    static final int POLICY_LENGTH_MAX = 1000;
    static final int VALUE_LENGTH_MAX = 1024;

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
            for (boolean more = tree.next(CatalogueTree.ATTRIBUTE, id, 0);
                    more;
                    more = tree.next(CatalogueTree.ATTRIBUTE, id, tree.sub() + 1)) {
                final RecordReader reader = tree.read("attribute");
                if (reader.getName().equals(name)) {
                    return Optional.of(reader.getBytes());
                }
            }
            return Optional.empty();
        });
    }

    /** @param value or null: none */
    void setAttribute(final String volume, final String name, final byte[] value) {
        Spec.requireName("attribute", name);
        checkLength("attribute " + name, value, VALUE_LENGTH_MAX);
        volumes.changeDurably(() -> {
            final CatalogueTree tree = volumes.tree();
            final long id = volumes.volume(volume).id;
            long ordinal = 0; // Of this name, or the first after all others.
            while (tree.next(CatalogueTree.ATTRIBUTE, id, ordinal)) {
                ordinal = tree.sub();
                if (tree.read("attribute").getName().equals(name)) {
                    break;
                }
                ordinal++;
            }
            volumes.changing();
            if (value == null) {
                tree.remove(CatalogueTree.ATTRIBUTE, id, ordinal);
            } else {
                tree.write().putName(name).putBytes(value);
                tree.put(CatalogueTree.ATTRIBUTE, id, ordinal);
            }
            return null;
        });
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
