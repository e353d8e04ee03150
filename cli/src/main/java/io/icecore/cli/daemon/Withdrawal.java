package io.icecore.cli.daemon;

/** While it lasts, exports are offered to nobody: whoever used them has gone, and nobody comes anew. */
@FunctionalInterface
public interface Withdrawal extends AutoCloseable {
    /** Where nothing is served there is nothing to withdraw. */
    Withdrawal NONE = () -> {};

    @Override
    void close();
}
