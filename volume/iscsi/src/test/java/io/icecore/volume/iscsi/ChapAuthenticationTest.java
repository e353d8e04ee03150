package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.volume.iscsi.ChapAuthentication.FailedException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ChapAuthenticationTest {
    private static final ChapCredential ME = new ChapCredential("me", "secret-secret");
    private static final ChapCredential YOU = new ChapCredential("you", "other-secret-1");

    private final Map<String, String> answers = new LinkedHashMap<>();

    /** What an initiator answers to a challenge, computed from RFC 1994 anew. */
    static String response(final String digest, final String challengeText, final String secret) {
        final Matcher id = Pattern.compile("CHAP_I=(\\d+)").matcher(challengeText);
        final Matcher challenge = Pattern.compile("CHAP_C=0x([0-9a-f]+)").matcher(challengeText);
        assertThat(id.find() && challenge.find()).isTrue();
        try {
            final MessageDigest hash = MessageDigest.getInstance(digest);
            hash.update((byte) Integer.parseInt(id.group(1)));
            hash.update(secret.getBytes(StandardCharsets.UTF_8));
            return "0x" + HexFormat.of().formatHex(hash.digest(HexFormat.of().parseHex(challenge.group(1))));
        } catch (final NoSuchAlgorithmException ex) {
            throw new AssertionError(ex);
        }
    }

    private ChapAuthentication challenged(final ChapCredential target, final String algorithms) throws FailedException {
        final ChapAuthentication chap = new ChapAuthentication(List.of(ME), target, new SecureRandom());
        chap.step(new LinkedHashMap<>(Map.of("CHAP_A", algorithms)), answers);
        return chap;
    }

    private String challengeText() {
        return "CHAP_I=" + answers.get("CHAP_I") + " CHAP_C=" + answers.get("CHAP_C");
    }

    private Map<String, String> proof(final String name, final String response) {
        return new LinkedHashMap<>(Map.of("CHAP_N", name, "CHAP_R", response));
    }

    @Test
    void takesTheFirstAlgorithmThatBothKnow() throws FailedException {
        challenged(null, "99,7,5");
        assertThat(answers).containsEntry("CHAP_A", "7");
    }

    @Test
    void failsWithoutAnAlgorithmInCommon() {
        assertThatThrownBy(() -> challenged(null, "56,57")).isInstanceOf(FailedException.class);
        assertThatThrownBy(() -> challenged(null, "")).isInstanceOf(FailedException.class);
    }

    @Test
    void acceptsTheRightSecretInEitherEncoding() throws FailedException {
        ChapAuthentication chap = challenged(null, "5");
        final String hex = response("MD5", challengeText(), "secret-secret");
        chap.step(proof("me", hex), answers);
        assertThat(chap.done()).isTrue();
        assertThat(chap.initiator()).isEqualTo("me");

        chap = challenged(null, "5");
        final byte[] bytes = HexFormat.of()
                .parseHex(response("MD5", challengeText(), "secret-secret").substring(2));
        chap.step(proof("me", "0b" + Base64.getEncoder().encodeToString(bytes)), answers);
        assertThat(chap.done()).isTrue();
    }

    @Test
    void refusesAWrongSecretAndAWrongNameAlike() throws FailedException {
        final ChapAuthentication chap = challenged(null, "5");
        final String wrong = response("MD5", challengeText(), "secret-secreT");
        assertThatThrownBy(() -> chap.step(proof("me", wrong), answers)).hasMessage("CHAP name or secret is wrong");
        final String right = response("MD5", challengeText(), "secret-secret");
        assertThatThrownBy(() -> chap.step(proof("us", right), answers)).hasMessage("CHAP name or secret is wrong");
        assertThat(chap.done()).isFalse();
    }

    @Test
    void doesNotAnswerItsOwnChallenge() throws FailedException {
        final ChapAuthentication chap = challenged(YOU, "5");
        final Map<String, String> reflected = proof("me", response("MD5", challengeText(), "secret-secret"));
        reflected.put("CHAP_I", answers.get("CHAP_I"));
        reflected.put("CHAP_C", answers.get("CHAP_C"));
        assertThatThrownBy(() -> chap.step(reflected, answers)).hasMessageContaining("reflected");
    }

    @Test
    void provesItselfOnlyWhenItHasACredential() throws FailedException {
        final ChapAuthentication chap = challenged(null, "5");
        final Map<String, String> mutual = proof("me", response("MD5", challengeText(), "secret-secret"));
        mutual.put("CHAP_I", "1");
        mutual.put("CHAP_C", "0x00112233");
        assertThatThrownBy(() -> chap.step(mutual, answers)).isInstanceOf(FailedException.class);
    }

    @Test
    void refusesKeysOutOfOrder() {
        final ChapAuthentication chap = new ChapAuthentication(List.of(ME), null, new SecureRandom());
        assertThatThrownBy(() -> chap.step(proof("me", "0x00"), answers)).isInstanceOf(FailedException.class);
    }

    @Test
    void refusesBinaryValuesThatAreNone() {
        for (final String text : List.of("", "0", "0x0g", "0b***", "1234", "0x" + "00".repeat(1025))) {
            assertThatThrownBy(() -> ChapAuthentication.binary(text)).as(text).isInstanceOf(FailedException.class);
        }
    }

    @Test
    void neverPrintsASecret() {
        assertThat(ME.toString()).isEqualTo("ChapCredential[me]");
        assertThat(IscsiOptions.DEFAULT
                        .withAccess(new IscsiAccess(Set.of(), List.of(ME), YOU))
                        .toString())
                .doesNotContain("secret");
    }

    @Test
    void takesNoSecretThatCanBeGuessed() {
        assertThatThrownBy(() -> new ChapCredential("me", "short-secre"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("short-secre");
    }

    @Test
    void takesNoSecretForBothEnds() {
        final ChapCredential same = new ChapCredential("you", "secret-secret");
        assertThatThrownBy(() -> IscsiOptions.DEFAULT.withAccess(new IscsiAccess(Set.of(), List.of(ME), same)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("secret-secret");
    }
}
