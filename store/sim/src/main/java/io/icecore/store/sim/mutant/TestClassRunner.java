package io.icecore.store.sim.mutant;

import java.lang.annotation.Annotation;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;

/** Runs the plain tests of a class as JUnit would, in a mutant: those without parameters and without a fixture. */
final class TestClassRunner {
    private static final String TEST = "org.junit.jupiter.api.Test";

    private TestClassRunner() {}

    static void runAll(final String className) throws ReflectiveOperationException {
        final Class<?> type = Class.forName(className, true, TestClassRunner.class.getClassLoader());
        final Constructor<?> constructor = type.getDeclaredConstructor();
        constructor.setAccessible(true);
        for (final Method method : type.getDeclaredMethods()) {
            if (Arrays.stream(method.getAnnotations()).anyMatch(TestClassRunner::isTest)) {
                method.setAccessible(true);
                try {
                    method.invoke(constructor.newInstance());
                } catch (final InvocationTargetException ex) {
                    throw new AssertionError(method.getName() + ": " + ex.getCause(), ex.getCause());
                }
            }
        }
    }

    private static boolean isTest(final Annotation annotation) {
        return annotation.annotationType().getName().equals(TEST);
    }
}
