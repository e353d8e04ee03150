package io.icecore.volume.iscsi.scsi;

import io.icecore.volume.Export;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Consumer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** Runs commands against a logical unit without any transport, one after the other. */
final class UnitTester {
    static final Nexus.Tasks NO_TASKS = Runnable::run;

    final LogicalUnit unit;
    private final Export export;

    UnitTester(final Export export, final ReservationStore store) {
        this(export, store, new Geometry(512), false);
    }

    UnitTester(final Export export, final ReservationStore store, final Geometry geometry, final boolean removable) {
        this.export = export;
        this.unit = new LogicalUnit(export, geometry, removable, "iqn.t", LogicalUnit.reservations(export, store));
    }

    /** A nexus that has taken its first unit attention. */
    Nexus nexus(final String port) {
        final Nexus nexus = new Nexus(port, NO_TASKS);
        unit.attach(nexus, Sense.POWER_ON);
        nexus.takeAttention();
        return nexus;
    }

    /** @param hex bytes of the CDB, the rest being zero */
    static Cdb cdb(final String hex) {
        return new Cdb(Arrays.copyOf(HexFormat.of().parseHex(hex.replace(" ", "")), Cdb.LENGTH));
    }

    byte[] run(final Nexus nexus, final String cdb) throws ScsiException {
        return run(nexus, cdb(cdb), new byte[0]);
    }

    byte[] run(final Nexus nexus, final String cdb, final byte[] out) throws ScsiException {
        return run(nexus, cdb(cdb), out);
    }

    /** Returns the data for the initiator. */
    byte[] run(final Nexus nexus, final Cdb cdb, final byte[] out) throws ScsiException {
        final Plan plan = unit.plan(nexus, cdb);
        if (plan.kind == Plan.Kind.ANSWER) {
            return plan.answer;
        }
        final int capacity = Math.max(Math.max(plan.dataOutLength, plan.dataInLength), 8);
        final UnsafeBuffer data = new UnsafeBuffer(ByteBuffer.allocateDirect(Math.max(capacity, out.length)));
        data.putBytes(0, out);
        try {
            final int length = plan.kind == Plan.Kind.WORK ? work(plan, data) : request(plan, data);
            final byte[] in = new byte[length];
            data.getBytes(0, in);
            return in;
        } catch (final RuntimeException ex) {
            throw unit.failureOf(ex);
        }
    }

    private static int work(final Plan plan, final UnsafeBuffer data) throws ScsiException {
        final UnsafeBuffer scratch = new UnsafeBuffer(ByteBuffer.allocateDirect(Plan.Workspace.SCRATCH_LENGTH));
        return plan.work.run(new Plan.Workspace() {
            @Override
            public MutableDirectBuffer data() {
                return data;
            }

            @Override
            public int dataOutLength() {
                return plan.dataOutLength;
            }

            @Override
            public MutableDirectBuffer scratch() {
                return scratch;
            }

            @Override
            public void answerAfter(final Consumer<Runnable> begin) {
                begin.accept(() -> {});
            }
        });
    }

    private int request(final Plan plan, final UnsafeBuffer data) {
        switch (plan.op) {
            case READ -> {
                export.read(plan.offset, data, 0, (int) plan.length);
                return (int) plan.length;
            }
            case WRITE -> export.write(plan.offset, data, 0, (int) plan.length, plan.fua);
            case FLUSH -> export.flush();
            case CACHE -> export.cache(plan.offset, plan.length);
            default -> throw new AssertionError(plan.op);
        }
        return 0;
    }
}
