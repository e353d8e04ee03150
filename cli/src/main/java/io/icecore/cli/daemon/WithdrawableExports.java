package io.icecore.cli.daemon;

import io.icecore.volume.Export;
import io.icecore.volume.ExportTable;
import io.icecore.volume.NoSuchException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** What can be exported, less what is being withdrawn. Thread-safe. */
final class WithdrawableExports implements ExportTable {
    private final ExportTable exports;
    private final List<Predicate<String>> withdrawn = new CopyOnWriteArrayList<>();

    WithdrawableExports(final ExportTable exports) {
        this.exports = exports;
    }

    /** Nobody opens the exports of these names until the result is closed. Those that are open stay so. */
    Withdrawal withdraw(final Predicate<String> names) {
        withdrawn.add(names);
        return () -> withdrawn.remove(names);
    }

    @Override
    public List<String> names(final int snapshotsMax) {
        return exports.names(snapshotsMax).stream()
                .filter(name -> !isWithdrawn(name))
                .toList();
    }

    @Override
    public Export open(final String spec) {
        final Export export = exports.open(spec);
        if (isWithdrawn(export.name())) { // By its own name, whatever spec it came by.
            export.close();
            throw new NoSuchException("being withdrawn: " + export.name());
        }
        return export;
    }

    private boolean isWithdrawn(final String name) {
        return withdrawn.stream().anyMatch(names -> names.test(name));
    }
}
