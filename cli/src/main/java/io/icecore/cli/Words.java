package io.icecore.cli;

/** Numbers in sentences. */
final class Words {
    private Words() {}

    /** {@code 1 snapshot}, {@code 2 snapshots}. */
    static String count(final long count, final String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }

    /** {@code 1 loss}, {@code 2 losses}. */
    static String count(final long count, final String noun, final String plural) {
        return count + " " + (count == 1 ? noun : plural);
    }
}
