package io.icecore.volume.iscsi;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The operational parameters of a session and the rules by which both ends agree on them (RFC 7143 section 13).
 * Starts with the defaults of the RFC; {@link #negotiate} takes what the initiator offers and gives the answers.
 */
final class SessionParameters {
    /** What this target takes in one data segment, and declares. */
    static final int RECEIVED_DATA_LENGTH_MAX = 256 << 10;

    private static final int BURST_LENGTH_MAX = 1 << 20;
    private static final int FIRST_BURST_LENGTH_MAX = TransferBuffers.SMALL_LENGTH;
    private static final int OUTSTANDING_R2T_MAX = 4;
    private static final int LENGTH_MIN = 512;
    private static final int LENGTH_MAX = (1 << 24) - 1;
    private static final String REJECT = "Reject";
    private static final String IRRELEVANT = "Irrelevant";
    private static final String NOT_UNDERSTOOD = "NotUnderstood";

    boolean headerDigest;
    boolean dataDigest;
    boolean initialR2t = true;
    boolean immediateData = true;
    /** Bytes of a data segment that the initiator takes. */
    int initiatorDataLengthMax = 8192;

    int maxBurstLength = 262_144;
    int firstBurstLength = 65_536;
    int maxOutstandingR2t = 1;
    private boolean declaredDataLength;

    /** Unsolicited data that a command may bring along: FirstBurstLength counts no further than MaxBurstLength. */
    int unsolicitedLengthMax() {
        return Math.min(firstBurstLength, maxBurstLength);
    }

    /**
     * Answers one offer of the operational stage.
     *
     * @param answers   gets what is to be sent back, in order
     * @param discovery a discovery session, to which the keys of data transfer mean nothing
     * @return whether the key is known here, operational or not
     */
    boolean negotiate(
            final String key, final String value, final boolean discovery, final Map<String, String> answers) {
        switch (key) {
            case "HeaderDigest" -> {
                final String choice = digest(value);
                headerDigest = "CRC32C".equals(choice);
                answers.put(key, choice);
            }
            case "DataDigest" -> {
                final String choice = digest(value);
                dataDigest = "CRC32C".equals(choice);
                answers.put(key, choice);
            }
            case "MaxRecvDataSegmentLength" -> {
                final int length = number(value, LENGTH_MIN, LENGTH_MAX);
                if (length < 0) {
                    answers.put(key, REJECT);
                } else {
                    initiatorDataLengthMax = length;
                }
            }
            case "InitialR2T" -> answers.put(key, discovery ? IRRELEVANT : initialR2t(value));
            case "ImmediateData" -> answers.put(key, discovery ? IRRELEVANT : immediateData(value));
            case "MaxBurstLength" -> {
                final int length = Math.min(number(value, LENGTH_MIN, LENGTH_MAX), BURST_LENGTH_MAX);
                maxBurstLength = length < 0 ? maxBurstLength : length;
                answers.put(key, discovery ? IRRELEVANT : answer(length));
            }
            case "FirstBurstLength" -> {
                final int length = Math.min(number(value, LENGTH_MIN, LENGTH_MAX), FIRST_BURST_LENGTH_MAX);
                firstBurstLength = length < 0 ? firstBurstLength : length;
                answers.put(key, discovery ? IRRELEVANT : answer(length));
            }
            case "MaxOutstandingR2T" -> {
                final int count = Math.min(number(value, 1, 65_535), OUTSTANDING_R2T_MAX);
                maxOutstandingR2t = count < 0 ? maxOutstandingR2t : count;
                answers.put(key, discovery ? IRRELEVANT : answer(count));
            }
            default -> {
                return negotiateFixed(key, value, discovery, answers);
            }
        }
        return true;
    }

    /** Keys whose outcome changes nothing here: one connection, data in order, no recovery below the session. */
    private static boolean negotiateFixed(
            final String key, final String value, final boolean discovery, final Map<String, String> answers) {
        switch (key) {
            case "MaxConnections" ->
                answers.put(key, discovery ? IRRELEVANT : answer(Math.min(number(value, 1, 65_535), 1)));
            case "ErrorRecoveryLevel" -> answers.put(key, answer(Math.min(number(value, 0, 2), 0)));
            case "DefaultTime2Wait" ->
                answers.put(key, answer(number(value, 0, 3600) < 0 ? -1 : Math.max(2, number(value, 0, 3600))));
            case "DefaultTime2Retain" -> answers.put(key, answer(Math.min(number(value, 0, 3600), 0)));
            case "DataPDUInOrder", "DataSequenceInOrder" ->
                answers.put(key, discovery ? IRRELEVANT : isBoolean(value) ? "Yes" : REJECT);
            case "IFMarker", "OFMarker" -> answers.put(key, isBoolean(value) ? "No" : REJECT);
            case "IFMarkInt", "OFMarkInt" -> answers.put(key, IRRELEVANT);
            case "TaskReporting" -> answers.put(key, value.contains("RFC3720") ? "RFC3720" : REJECT);
            case "iSCSIProtocolLevel" -> answers.put(key, answer(Math.min(number(value, 0, 31), 1)));
            default -> {
                return false;
            }
        }
        return true;
    }

    /** What the target declares of itself, once a login. */
    void declare(final Map<String, String> answers) {
        if (!declaredDataLength) {
            declaredDataLength = true;
            answers.put("MaxRecvDataSegmentLength", Integer.toString(RECEIVED_DATA_LENGTH_MAX));
        }
    }

    /** Answers a key that nobody knows (RFC 7143 section 6.2). Answers of the initiator's end the matter. */
    static Map<String, String> notUnderstood(final String key, final String value) {
        final Map<String, String> answer = new LinkedHashMap<>();
        if (!NOT_UNDERSTOOD.equals(value) && !IRRELEVANT.equals(value) && !REJECT.equals(value)) {
            answer.put(key, NOT_UNDERSTOOD);
        }
        return answer;
    }

    private static String digest(final String offered) {
        for (final String one : offered.split(",")) {
            if ("CRC32C".equals(one) || "None".equals(one)) {
                return one;
            }
        }
        return REJECT;
    }

    private String initialR2t(final String offered) {
        if (!isBoolean(offered)) {
            return REJECT;
        }
        initialR2t = "Yes".equals(offered); // The result is Yes if either end says so, and we do not insist.
        return offered;
    }

    private String immediateData(final String offered) {
        if (!isBoolean(offered)) {
            return REJECT;
        }
        immediateData = "Yes".equals(offered);
        return offered;
    }

    private static boolean isBoolean(final String value) {
        return "Yes".equals(value) || "No".equals(value);
    }

    private static String answer(final int number) {
        return number < 0 ? REJECT : Integer.toString(number);
    }

    /** Decimal or hexadecimal (RFC 7143 section 6.1); -1 when it is neither or out of range. */
    static int number(final String text, final int min, final int max) {
        try {
            final String lower = text.toLowerCase(Locale.ROOT);
            final long number = lower.startsWith("0x") ? Long.parseLong(lower.substring(2), 16) : Long.parseLong(lower);
            return number >= min && number <= max ? (int) number : -1;
        } catch (final NumberFormatException ex) {
            return -1;
        }
    }
}
