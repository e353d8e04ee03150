package io.icecore.store.tree;

import io.icecore.store.tree.RedirectTable.Redirect;
import java.lang.reflect.Field;

/** What the trees do in mutants. */
public final class WrongTrees {
    private static NodeSpace space;

    private WrongTrees() {}

    public static void writing(final Forest forest, final long generation) {
        try {
            final Field field = Forest.class.getDeclaredField("space");
            field.setAccessible(true);
            space = (NodeSpace) field.get(forest);
        } catch (final ReflectiveOperationException ex) {
            throw new IllegalArgumentException("mutant does not fit the code any more: " + ex, ex);
        }
    }

    /** The old block is free as soon as there is a redirect, though the parent still names it. */
    static void putAndFree(final RedirectTable redirects, final Redirect redirect) {
        if (redirects.get(redirect.home) == null && redirect.home > 0) {
            space.free(redirect.home, 1);
        }
        redirects.put(redirect);
    }

    /** A further rewrite makes a chain. */
    static void putChained(final RedirectTable redirects, final Redirect redirect) {
        final Redirect before = redirects.get(redirect.home);
        if (before == null) {
            redirects.put(redirect);
            return;
        }
        final Redirect link = new Redirect(before.block, redirect.block, redirect.generation);
        link.tree = redirect.tree;
        link.level = redirect.level;
        link.hi = redirect.hi;
        link.lo = redirect.lo;
        redirects.put(link);
    }

    static long sameHome(final Forest forest, final long home) {
        return home;
    }
}
