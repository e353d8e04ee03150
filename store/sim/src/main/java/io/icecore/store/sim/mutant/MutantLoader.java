package io.icecore.store.sim.mutant;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.tree.ClassNode;

/** Loads the program's own classes itself, from where its parent finds them, and changes some; leaves the rest to it. */
final class MutantLoader extends ClassLoader {
    private final List<Edit> edits;

    MutantLoader(final List<Edit> edits, final ClassLoader parent) {
        super(parent);
        this.edits = edits;
    }

    @Override
    protected Class<?> loadClass(final String name, final boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith(Edit.ROOT)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            final Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : define(name);
        }
    }

    private Class<?> define(final String name) throws ClassNotFoundException {
        final byte[] original = bytesOf(name);
        final List<Edit> here =
                edits.stream().filter(edit -> edit.className().equals(name)).toList();
        final byte[] bytes = here.isEmpty() ? original : changed(original, here);
        return defineClass(name, bytes, 0, bytes.length);
    }

    private byte[] bytesOf(final String name) throws ClassNotFoundException {
        try (InputStream stream = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (stream == null) {
                throw new ClassNotFoundException(name);
            }
            return stream.readAllBytes();
        } catch (final IOException ex) {
            throw new ClassNotFoundException(name, ex);
        }
    }

    private static byte[] changed(final byte[] original, final List<Edit> edits) {
        final ClassNode type = new ClassNode();
        new ClassReader(original).accept(type, 0);
        edits.forEach(edit -> edit.apply(type));
        final ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_MAXS); // No edit adds a branch: frames stay.
        type.accept(writer);
        return writer.toByteArray();
    }
}
