package io.icecore.store.sim.mutant;

import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.MethodNode;

/** One change to one method of one class. */
record Edit(String className, String method, MethodEdits.MethodEdit change) {
    static final String ROOT = "io.icecore.";

    static Edit of(final String qualifiedMethod, final MethodEdits.MethodEdit change) {
        final int dot = qualifiedMethod.lastIndexOf('.');
        return new Edit(ROOT + qualifiedMethod.substring(0, dot), qualifiedMethod.substring(dot + 1), change);
    }

    void apply(final ClassNode type) {
        int changes = 0;
        for (final MethodNode candidate : type.methods) {
            if (candidate.name.equals(method) || candidate.name.startsWith("lambda$" + method + "$")) {
                changes += change.apply(type, candidate);
            }
        }
        if (changes == 0) {
            throw new IllegalArgumentException(
                    "mutant does not fit the code any more: " + change + " in " + className + "." + method);
        }
    }
}
