package io.icecore.volume.iscsi;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Text requests of the full feature phase: SendTargets (RFC 7143 appendix C) and declarations. A long answer goes out
 * in as many PDUs as the initiator's limit asks for; it fetches each with a request that names our tag (section
 * 11.10).
 */
final class TextExchange {
    private static final int TAG = 1;
    private static final byte[] NOTHING = {};

    private final LoginRequest login;
    private final SessionParameters parameters;
    private final Function<String, byte[]> targets;
    private byte[] pending = NOTHING;
    private int sent;

    /** @param targets SendTargets text of one target, or for null of all */
    TextExchange(final LoginRequest login, final SessionParameters parameters, final Function<String, byte[]> targets) {
        this.login = login;
        this.parameters = parameters;
        this.targets = targets;
    }

    Reply onRequest(final Pdu pdu) throws PduException {
        if (pdu.targetTransferTag() == Opcode.NO_TAG) {
            if ((pdu.flags() & Opcode.CONTINUE) != 0) {
                return Replies.reject(Opcode.REJECT_NOT_SUPPORTED, pdu.header());
            }
            pending = answer(TextParameters.decode(pdu.dataBytes()));
            sent = 0;
        } else if (sent == 0) {
            return Replies.reject(Opcode.REJECT_INVALID_FIELD, pdu.header()); // There is nothing to go on with.
        }
        final int length = Math.min(pending.length - sent, parameters.initiatorDataLengthMax);
        final byte[] part = Arrays.copyOfRange(pending, sent, sent + length);
        sent += length;
        final boolean last = sent == pending.length;
        if (last) {
            pending = NOTHING;
            sent = 0;
        }
        return Replies.text(pdu.initiatorTaskTag(), last ? Opcode.NO_TAG : TAG, part);
    }

    private byte[] answer(final Map<String, String> offered) {
        final Map<String, String> answers = new LinkedHashMap<>();
        final String wanted = offered.remove("SendTargets");
        offered.forEach((key, value) -> {
            if ("MaxRecvDataSegmentLength".equals(key)) {
                parameters.negotiate(key, value, login.discovery(), answers);
            } else {
                answers.putAll(SessionParameters.notUnderstood(key, value));
            }
        });
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(TextParameters.encode(answers));
        if (wanted == null) {
            return out.toByteArray();
        }
        if ("All".equals(wanted) && !login.discovery()) {
            TextParameters.append(out, "SendTargets", "Reject");
        } else if ("All".equals(wanted)) {
            out.writeBytes(targets.apply(null));
        } else {
            final String target = wanted.isEmpty() ? login.targetName() : wanted;
            out.writeBytes(target == null ? NOTHING : targets.apply(target));
        }
        return out.toByteArray();
    }
}
