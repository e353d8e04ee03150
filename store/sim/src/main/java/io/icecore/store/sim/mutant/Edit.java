package io.icecore.store.sim.mutant;

import org.objectweb.asm.Type;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.MethodNode;

/**
 * One change to one method of one class.
 *
 * @param parameterCount of the method, or -1 for any
 */
record Edit(String className, String method, int parameterCount, MethodEdits.MethodEdit change) {
    static final String ROOT = "io.icecore.";

    static Edit of(final String qualifiedMethod, final MethodEdits.MethodEdit change) {
        final int dot = qualifiedMethod.lastIndexOf('.');
        final int slash = qualifiedMethod.indexOf('/');
        return new Edit(
                ROOT + qualifiedMethod.substring(0, dot),
                qualifiedMethod.substring(dot + 1, slash < 0 ? qualifiedMethod.length() : slash),
                slash < 0 ? -1 : Integer.parseInt(qualifiedMethod.substring(slash + 1)),
                change);
    }

    void apply(final ClassNode type) {
        int changes = 0;
        for (final MethodNode candidate : type.methods) {
            if (matches(candidate)) {
                changes += change.apply(type, candidate);
            }
        }
        if (changes == 0) {
            throw new IllegalArgumentException(
                    "mutant does not fit the code any more: " + change + " in " + className + "." + method);
        }
    }

    private boolean matches(final MethodNode candidate) {
        return candidate.name.startsWith("lambda$" + method + "$")
                || candidate.name.equals(method)
                        && (parameterCount < 0 || Type.getArgumentTypes(candidate.desc).length == parameterCount);
    }
}
