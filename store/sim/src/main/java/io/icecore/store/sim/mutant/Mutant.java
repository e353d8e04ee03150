package io.icecore.store.sim.mutant;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;

/**
 * The program with deliberate faults. Each {@link #in} names a method, what follows says what is wrong in it:
 * <pre>
 *   new Mutant("the flush at the commit point is left out")
 *       .in("store.commit.Committer.commitNow").skip("flush", 2)
 *       .run(CrashTrial.class, "run", 17L);
 * </pre>
 *
 * <p>{@link #run} loads the program anew, so any number of mutants live in one JVM, side by side, and what has not been
 * loaded through a mutant is as it was. An edit that finds nothing to change fails: a mutant that no longer fits the code
 * must not pass for one that was caught.
 *
 * <p>Immutable, apart from what {@link #run} runs.
 */
public final class Mutant {
    private final String name;
    private final List<Edit> edits;

    public Mutant(final String name) {
        this(name, List.of());
    }

    private Mutant(final String name, final List<Edit> edits) {
        this.name = name;
        this.edits = List.copyOf(edits);
    }

    /** What is wrong, as a sentence. */
    public String name() {
        return name;
    }

    @Override
    public String toString() {
        return name;
    }

    /**
     * The method to be changed next, its lambdas included: package below {@code io.icecore}, class and method, as in
     * {@code "store.commit.Committer.commitNow"}. Of overloaded methods all, or with {@code "/2"} behind the name those
     * with two parameters. Nested classes stand behind a dollar sign.
     */
    public In in(final String method) {
        return new In(method);
    }

    /** Counts the calls of these methods; see {@link Probes}. */
    public Mutant counting(final String... methods) {
        Mutant counting = this;
        for (final String method : methods) {
            counting = counting.in(method).edit(MethodEdits.count(method));
        }
        return counting;
    }

    /** All that is wrong here and in the other. */
    public Mutant and(final Mutant other) {
        final List<Edit> all = new ArrayList<>(edits);
        all.addAll(other.edits);
        return new Mutant(name, all);
    }

    /**
     * Calls a static method of a class that was loaded with the faults. Arguments and result must be of classes of the
     * JDK: what the program itself defines exists twice.
     *
     * @param type as loaded by the caller: only its name is used
     */
    public Object run(final Class<?> type, final String staticMethod, final Object... arguments) {
        final MutantLoader loader = new MutantLoader(edits, Mutant.class.getClassLoader());
        final Thread thread = Thread.currentThread();
        final ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            loadEdited(loader);
            final Method method = method(Class.forName(type.getName(), true, loader), staticMethod, arguments.length);
            method.setAccessible(true);
            return method.invoke(null, arguments);
        } catch (final InvocationTargetException ex) {
            throw unchecked(ex.getCause());
        } catch (final ReflectiveOperationException ex) {
            throw new IllegalArgumentException(type.getName() + "." + staticMethod + ": " + ex, ex);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Fails when an edit finds nothing to change in the code as it is now. */
    public void requireFitting() {
        try {
            loadEdited(new MutantLoader(edits, Mutant.class.getClassLoader()));
        } catch (final ReflectiveOperationException ex) {
            throw new IllegalArgumentException(name + ": " + ex, ex);
        }
    }

    private void loadEdited(final MutantLoader loader) throws ReflectiveOperationException {
        for (final Edit edit : edits) {
            Class.forName(edit.className(), false, loader);
        }
    }

    private static Method method(final Class<?> type, final String name, final int parameters) {
        for (final Method method : type.getDeclaredMethods()) {
            if (method.getName().equals(name) && method.getParameterCount() == parameters) {
                return method;
            }
        }
        throw new IllegalArgumentException(
                "no method " + name + " with " + parameters + " parameters in " + type.getName());
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> RuntimeException unchecked(final Throwable cause) throws T {
        throw (T) cause;
    }

    /** One method, and what can be wrong in it. */
    public final class In {
        private final String method;

        private In(final String method) {
            this.method = method;
        }

        /** Calls of this method are left out; where a result is needed it is 0, false or null. */
        public Mutant skip(final String call) {
            return edit(MethodEdits.skip(call, 0));
        }

        /** The {@code nth} call of this method, counted from 1 in the order of the code, is left out. */
        public Mutant skip(final String call, final int nth) {
            return edit(MethodEdits.skip(call, nth));
        }

        /** Counts the calls of another method that are made here; see {@link Probes}. */
        public Mutant count(final String call, final String probe) {
            return edit(MethodEdits.countCalls(call, probe));
        }

        /** The method returns this at once and does nothing; null for one without a result. */
        public Mutant returns(final Object value) {
            return edit(MethodEdits.returns(value));
        }

        /** This number stands wherever the code has that one. (Constants have been folded: 3 * 64 is 192.) */
        public Mutant constant(final long from, final long to) {
            return edit(MethodEdits.constant(from, to, 0));
        }

        /** As {@link #constant(long, long)}, at its {@code nth} place in the order of the code, counted from 1. */
        public Mutant constant(final long from, final long to, final int nth) {
            return edit(MethodEdits.constant(from, to, nth));
        }

        /**
         * A static method is called in place of this one. It takes what the call takes, the object of an instance method
         * first, and returns the same. It may stand in a class of the tests, in the package of the method if need be.
         */
        public Mutant instead(final String call, final Class<?> type, final String staticMethod) {
            return edit(MethodEdits.instead(call, type.getName().replace('.', '/'), staticMethod));
        }

        /** A static method is called first, with the object and the arguments. */
        public Mutant first(final Class<?> type, final String staticMethod) {
            return edit(MethodEdits.first(type.getName().replace('.', '/'), staticMethod));
        }

        /** A static method is called last, with the object and the arguments, unless an exception ends the method. */
        public Mutant last(final Class<?> type, final String staticMethod) {
            return edit(MethodEdits.last(type.getName().replace('.', '/'), staticMethod));
        }

        private Mutant edit(final MethodEdits.MethodEdit change) {
            final List<Edit> all = new ArrayList<>(edits);
            all.add(Edit.of(method, change));
            return new Mutant(name, all);
        }
    }
}
