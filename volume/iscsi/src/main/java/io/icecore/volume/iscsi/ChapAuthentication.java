package io.icecore.volume.iscsi;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The target's side of CHAP (RFC 7143 section 12.1.3, RFC 1994).
 *
 * <pre>
 *   OFFERED --CHAP_A--> CHALLENGED --CHAP_N, CHAP_R [, CHAP_I, CHAP_C]--> DONE
 * </pre>
 *
 * <p>A wrong name and a wrong secret look the same from outside, in the answer and in time. Secrets and responses are
 * never logged.
 */
final class ChapAuthentication {
    /** The login fails: AUTHENTICATION FAILURE. The message is for the log and names no secret. */
    static final class FailedException extends Exception {
        private static final long serialVersionUID = 1L;

        FailedException(final String message) {
            super(message, null, false, false);
        }
    }

    private enum State {
        OFFERED,
        CHALLENGED,
        DONE
    }

    private static final int CHALLENGE_LENGTH = 24;
    private static final int CHALLENGE_LENGTH_MAX = 1024;

    private final List<ChapCredential> initiators;
    private final ChapCredential target;
    private final SecureRandom random;
    private State state = State.OFFERED;
    private String algorithm;
    private int identifier;
    private byte[] challenge;
    private String initiator;

    /** @param target for mutual CHAP, or null */
    ChapAuthentication(final List<ChapCredential> initiators, final ChapCredential target, final SecureRandom random) {
        this.initiators = initiators;
        this.target = target;
        this.random = random;
    }

    boolean done() {
        return state == State.DONE;
    }

    /** The CHAP name that the initiator proved. */
    String initiator() {
        return initiator;
    }

    /** Takes the CHAP keys of one login request out of {@code offered} and adds what is to be sent back. */
    void step(final Map<String, String> offered, final Map<String, String> answers) throws FailedException {
        final String algorithms = offered.remove("CHAP_A");
        final String name = offered.remove("CHAP_N");
        final String response = offered.remove("CHAP_R");
        final String theirIdentifier = offered.remove("CHAP_I");
        final String theirChallenge = offered.remove("CHAP_C");
        if (state == State.OFFERED && algorithms != null) {
            challenge(algorithms, answers);
        } else if (state == State.CHALLENGED && name != null && response != null) {
            verify(name, response);
            if (theirIdentifier != null && theirChallenge != null) {
                respond(theirIdentifier, theirChallenge, answers);
            }
            state = State.DONE;
        } else if (algorithms != null || name != null || response != null) {
            throw new FailedException("CHAP keys out of order");
        }
    }

    private void challenge(final String algorithms, final Map<String, String> answers) throws FailedException {
        for (final String one : algorithms.split(",")) {
            algorithm = algorithm == null ? digestName(one) : algorithm;
            if (algorithm != null) {
                answers.put("CHAP_A", one);
                break;
            }
        }
        if (algorithm == null) {
            throw new FailedException("no CHAP algorithm in common");
        }
        identifier = random.nextInt(256);
        challenge = new byte[CHALLENGE_LENGTH];
        random.nextBytes(challenge);
        answers.put("CHAP_I", Integer.toString(identifier));
        answers.put("CHAP_C", "0x" + HexFormat.of().formatHex(challenge));
        state = State.CHALLENGED;
    }

    /** The registered algorithms (IANA, PPP authentication algorithms). */
    private static String digestName(final String code) {
        return switch (code) {
            case "5" -> "MD5";
            case "6" -> "SHA-1";
            case "7" -> "SHA-256";
            case "8" -> "SHA3-256";
            default -> null;
        };
    }

    private void verify(final String name, final String response) throws FailedException {
        final byte[] given = binary(response);
        ChapCredential match = null;
        for (final ChapCredential credential : initiators) {
            final boolean proved = MessageDigest.isEqual(digest(identifier, credential.secret(), challenge), given);
            if (proved && credential.name().equals(name)) {
                match = credential;
            }
        }
        if (match == null) {
            throw new FailedException("CHAP name or secret is wrong");
        }
        initiator = match.name();
    }

    /** Mutual CHAP: proves the target to the initiator, unless that would prove nothing. */
    private void respond(final String theirIdentifier, final String theirChallenge, final Map<String, String> answers)
            throws FailedException {
        if (target == null) {
            throw new FailedException("mutual CHAP asked for, but the target has no credential");
        }
        final int theirs = SessionParameters.number(theirIdentifier, 0, 255);
        final byte[] given = binary(theirChallenge);
        if (theirs < 0 || given.length == 0) {
            throw new FailedException("CHAP_I or CHAP_C is malformed");
        }
        if (Arrays.equals(given, challenge)) {
            throw new FailedException("CHAP challenge reflected"); // RFC 7143 section 9.2.1
        }
        answers.put("CHAP_N", target.name());
        answers.put("CHAP_R", "0x" + HexFormat.of().formatHex(digest(theirs, target.secret(), given)));
    }

    private byte[] digest(final int id, final byte[] secret, final byte[] of) {
        try {
            final MessageDigest digest = MessageDigest.getInstance(algorithm);
            digest.update((byte) id);
            digest.update(secret);
            return digest.digest(of);
        } catch (final NoSuchAlgorithmException ex) {
            throw new IllegalStateException("this Java has no " + algorithm, ex);
        }
    }

    /** A binary value: 0x and hexadecimal digits, or 0b and Base64 (RFC 7143 section 6.1). */
    static byte[] binary(final String text) throws FailedException {
        if (text.length() > 2 * CHALLENGE_LENGTH_MAX + 2) {
            throw new FailedException("binary value longer than " + CHALLENGE_LENGTH_MAX + " bytes");
        }
        final String prefix = text.substring(0, Math.min(2, text.length())).toLowerCase(Locale.ROOT);
        try {
            if ("0x".equals(prefix)) {
                final String digits = text.substring(2);
                return HexFormat.of().parseHex(digits.length() % 2 == 0 ? digits : '0' + digits);
            }
            if ("0b".equals(prefix)) {
                final byte[] bytes =
                        Base64.getDecoder().decode(text.substring(2).getBytes(StandardCharsets.ISO_8859_1));
                if (bytes.length <= CHALLENGE_LENGTH_MAX) {
                    return bytes;
                }
            }
        } catch (final IllegalArgumentException ex) {
            throw new FailedException("binary value is malformed");
        }
        throw new FailedException("binary value is neither 0x nor 0b");
    }
}
