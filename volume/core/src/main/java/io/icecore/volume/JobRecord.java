package io.icecore.volume;

/**
 * Background work that ends a branch's dependence on its parent, one window of chunks at a time.
 *
 * <pre>
 * size  field    content
 *    1  version
 *    4  parent   branch that the child read through when the job began
 *    8  from     chunks before this are done
 * </pre>
 *
 * The kind is in the key: {@value #ADOPT} adopt (move what the only child of a headless branch needs), {@value #FLATTEN}
 * flatten (copy what the branch reads through its parent).
 */
final class JobRecord {
    static final int ADOPT = 1;
    static final int FLATTEN = 2;

    final int kind;
    final long child;
    long parent;
    long from;

    JobRecord(final int kind, final long parent, final long child) {
        this.kind = kind;
        this.parent = parent;
        this.child = child;
    }

    static JobRecord read(final CatalogueTree tree) {
        final JobRecord job = new JobRecord((int) tree.sub(), 0, tree.id());
        final RecordReader reader = tree.read("job");
        job.parent = reader.getInt();
        job.from = reader.getLong();
        return job;
    }

    void write(final CatalogueTree tree) {
        tree.write().putInt(parent).putLong(from);
        tree.put(CatalogueTree.JOB, child, kind);
    }

    void remove(final CatalogueTree tree) {
        tree.remove(CatalogueTree.JOB, child, kind);
    }
}
