package io.icecore.volume.nbd;

import io.icecore.store.device.StoreException;
import io.icecore.volume.BusyException;
import io.icecore.volume.Export;
import io.icecore.volume.ExportTable;
import io.icecore.volume.NoSuchException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The handshake phase (specification, "Fixed newstyle negotiation"), server's side: flags, then options until the client
 * has chosen an export or leaves.
 *
 * <p>TLS is not offered ("NOTLS mode"). An option that cannot be served is answered with an error and the haggling goes
 * on, except where the specification has no way to say so: an EXPORT_NAME that names nothing ends the connection.
 */
final class NbdHandshake {
    /** Option data that is kept in memory: a name, and more queries than any client has. */
    static final int OPTION_LENGTH_MAX = 64 << 10;
    /** Option data that is read and thrown away; whoever announces more is dropped. */
    static final int OPTION_SKIP_LENGTH_MAX = 32 << 20;

    static final String ALLOCATION_CONTEXT = "base:allocation";
    static final int ALLOCATION_CONTEXT_ID = 1;

    private static final Logger LOG = LoggerFactory.getLogger(NbdHandshake.class);
    private static final int OPTION_HEADER_LENGTH = 16;
    private static final String BASE_NAMESPACE = "base:";

    private final ExportTable exports;
    private final int listedSnapshotsMax;
    private final NbdInput input;
    private final NbdOptionReplies replies;

    private boolean zeroes;
    private boolean structuredReplies;
    /** Export name of the last SET_META_CONTEXT that selected the context, or null. */
    private String contextExportName;
    /** What the client has chosen; ends the haggling. */
    private NbdSession session;

    NbdHandshake(
            final ExportTable exports,
            final int listedSnapshotsMax,
            final NbdInput input,
            final NbdOptionReplies replies) {
        this.exports = exports;
        this.listedSnapshotsMax = listedSnapshotsMax;
        this.input = input;
        this.replies = replies;
    }

    /** Returns what the client chose, or null when it left in good order. */
    NbdSession run() throws IOException {
        try {
            haggle();
            return session;
        } catch (final IOException | RuntimeException ex) {
            if (session != null) {
                session.export().close(); // The client was gone before it heard that it had an export.
            }
            throw ex;
        }
    }

    private void haggle() throws IOException {
        replies.greeting();
        replies.send();
        readClientFlags();
        while (session == null) {
            if (!input.received().hasRemaining() && !input.fill()) {
                return;
            }
            input.require(OPTION_HEADER_LENGTH);
            final long magic = input.received().getLong();
            if (magic != Nbd.IHAVEOPT) {
                throw new NbdProtocolException(
                        String.format("option magic: 0x%x (expected: 0x%x)", magic, Nbd.IHAVEOPT));
            }
            final int option = input.received().getInt();
            final long length = Integer.toUnsignedLong(input.received().getInt());
            if (option == Nbd.OPT_ABORT) {
                abort(length);
                return;
            }
            answer(option, length);
            replies.send();
        }
    }

    private void readClientFlags() throws IOException {
        input.require(Integer.BYTES);
        final int flags = input.received().getInt();
        if ((flags & ~(Nbd.FLAG_C_FIXED_NEWSTYLE | Nbd.FLAG_C_NO_ZEROES)) != 0) {
            throw new NbdProtocolException(String.format("client flags: 0x%x (expected: 0x0 to 0x3)", flags));
        }
        zeroes = (flags & Nbd.FLAG_C_NO_ZEROES) == 0;
    }

    private void abort(final long length) throws IOException {
        skip(length);
        replies.acknowledge(Nbd.OPT_ABORT);
        try {
            replies.send();
        } catch (final IOException ex) {
            LOG.debug("client did not wait for the answer to ABORT", ex); // Which it may do.
        }
    }

    private void answer(final int option, final long length) throws IOException {
        if (length > OPTION_LENGTH_MAX) {
            skip(length);
            if (option == Nbd.OPT_EXPORT_NAME) {
                throw new NbdProtocolException("export name length: " + length + " (expected: at most 4096)");
            }
            replies.error(option, isKnown(option) ? Nbd.REP_ERR_TOO_BIG : Nbd.REP_ERR_UNSUP, "option data too long");
            return;
        }
        input.require((int) length);
        final ByteBuffer bytes = input.received().slice(input.received().position(), (int) length);
        input.consume((int) length);
        final NbdOptionData data = new NbdOptionData(bytes);
        try {
            switch (option) {
                case Nbd.OPT_EXPORT_NAME -> exportName(data);
                case Nbd.OPT_INFO, Nbd.OPT_GO -> inform(option, data);
                case Nbd.OPT_LIST -> list(data);
                case Nbd.OPT_STRUCTURED_REPLY -> structuredReply(data);
                case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT -> metaContext(option, data);
                case Nbd.OPT_STARTTLS -> startTls(data);
                default -> replies.error(option, Nbd.REP_ERR_UNSUP, "unknown option");
            }
        } catch (final NbdOptionException ex) {
            replies.error(option, ex.replyType(), ex.getMessage());
        }
    }

    private void skip(final long length) throws IOException {
        if (length > OPTION_SKIP_LENGTH_MAX) {
            throw new NbdProtocolException(
                    "option data length: " + length + " (expected: at most " + OPTION_SKIP_LENGTH_MAX + ")");
        }
        input.skip(length);
    }

    private static boolean isKnown(final int option) {
        return option >= Nbd.OPT_EXPORT_NAME && option <= Nbd.OPT_SET_META_CONTEXT && option != 4;
    }

    private void exportName(final NbdOptionData data) throws IOException {
        try {
            final String name = data.rest();
            choose(open(name), name);
        } catch (final NbdOptionException ex) {
            throw new NbdProtocolException("export name: " + ex.getMessage());
        }
        replies.exportName(session.export().size(), transmissionFlags(session.export()), zeroes);
    }

    /** INFO and GO differ in what follows a success: more options, or the transmission phase. */
    private void inform(final int option, final NbdOptionData data) throws IOException, NbdOptionException {
        final String name = data.string();
        final int requestCount = data.unsignedShort();
        int requested = 0;
        for (int i = 0; i < requestCount; i++) {
            final int type = data.unsignedShort();
            requested |= type <= Nbd.INFO_BLOCK_SIZE ? 1 << type : 0;
        }
        data.requireEnd();

        final Export export = open(name);
        try {
            replies.infoExport(option, export.size(), transmissionFlags(export));
            if ((requested & 1 << Nbd.INFO_NAME) != 0) {
                replies.infoText(option, Nbd.INFO_NAME, export.name());
            }
            if ((requested & 1 << Nbd.INFO_DESCRIPTION) != 0) {
                replies.infoText(option, Nbd.INFO_DESCRIPTION, description(export.name()));
            }
            if ((requested & 1 << Nbd.INFO_BLOCK_SIZE) != 0) {
                replies.infoBlockSize(option);
            }
            replies.acknowledge(option);
            if (option == Nbd.OPT_GO) {
                choose(export, name);
            }
        } finally {
            if (session == null) {
                export.close();
            }
        }
    }

    private void list(final NbdOptionData data) throws IOException, NbdOptionException {
        data.requireEnd();
        final List<String> names;
        try {
            names = exports.names(listedSnapshotsMax);
        } catch (final StoreException ex) {
            LOG.warn("could not list the exports", ex);
            throw new NbdOptionException(Nbd.REP_ERR_POLICY, "the exports cannot be listed now");
        }
        for (final String name : names) {
            replies.server(Nbd.OPT_LIST, name, description(name));
        }
        replies.acknowledge(Nbd.OPT_LIST);
    }

    private void structuredReply(final NbdOptionData data) throws IOException, NbdOptionException {
        data.requireEnd();
        structuredReplies = true;
        replies.acknowledge(Nbd.OPT_STRUCTURED_REPLY);
    }

    private void startTls(final NbdOptionData data) throws IOException, NbdOptionException {
        data.requireEnd();
        replies.error(Nbd.OPT_STARTTLS, Nbd.REP_ERR_UNSUP, "this server does not offer TLS");
    }

    private void metaContext(final int option, final NbdOptionData data) throws IOException, NbdOptionException {
        final boolean set = option == Nbd.OPT_SET_META_CONTEXT;
        if (set) {
            contextExportName = null; // Also when it fails.
        }
        if (!structuredReplies) {
            throw new NbdOptionException(Nbd.REP_ERR_INVALID, "structured replies come first");
        }
        final String name = data.string();
        final List<String> queries = new ArrayList<>();
        for (long left = data.unsignedInt(); left > 0; left--) {
            queries.add(data.string());
        }
        data.requireEnd();
        open(name).close();

        final boolean listAll = !set && (queries.isEmpty() || queries.contains(BASE_NAMESPACE));
        if (listAll || queries.contains(ALLOCATION_CONTEXT)) {
            replies.metaContext(option, set ? ALLOCATION_CONTEXT_ID : 0, ALLOCATION_CONTEXT);
            contextExportName = set ? name : contextExportName;
        }
        replies.acknowledge(option);
    }

    private void choose(final Export export, final String name) {
        session = new NbdSession(export, structuredReplies, name.equals(contextExportName));
    }

    private Export open(final String name) throws NbdOptionException {
        try {
            return exports.open(name.isEmpty() ? onlyVolume() : name);
        } catch (final NoSuchException | IllegalArgumentException | BusyException ex) {
            throw new NbdOptionException(Nbd.REP_ERR_UNKNOWN, String.valueOf(ex.getMessage()));
        } catch (final StoreException ex) {
            LOG.warn("could not open an export: name={}", name, ex);
            throw new NbdOptionException(Nbd.REP_ERR_UNKNOWN, "the export cannot be opened now");
        }
    }

    /** What the empty name, the "default export" of the specification, stands for. */
    private String onlyVolume() {
        final List<String> volumes = exports.names(0);
        if (volumes.size() != 1) {
            throw new NoSuchException("no export name given, and there is no single volume it could mean: "
                    + volumes.size() + " volumes");
        }
        return volumes.get(0);
    }

    /** By the name alone, so that a list of many exports need not open each. */
    private static String description(final String name) {
        return name.indexOf('@') >= 0 ? "Icecore snapshot, read-only" : "Icecore volume";
    }

    /** Zeroing changes the mapping and writes no zeroes: always fast. A flush covers the writes of all connections. */
    private int transmissionFlags(final Export export) {
        final int always = Nbd.FLAG_HAS_FLAGS
                | Nbd.FLAG_SEND_FLUSH
                | Nbd.FLAG_SEND_FUA
                | Nbd.FLAG_CAN_MULTI_CONN
                | Nbd.FLAG_SEND_CACHE
                | (structuredReplies ? Nbd.FLAG_SEND_DF : 0);
        return export.readOnly()
                ? always | Nbd.FLAG_READ_ONLY
                : always | Nbd.FLAG_SEND_TRIM | Nbd.FLAG_SEND_WRITE_ZEROES | Nbd.FLAG_SEND_FAST_ZERO;
    }
}
