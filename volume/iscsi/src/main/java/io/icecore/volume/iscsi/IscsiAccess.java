package io.icecore.volume.iscsi;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Who may log in. Where nothing is asked of an initiator, only peers on a loopback address are served.
 *
 * @param initiators  names that may log in, lower case, as names compare; empty for all that authenticate
 * @param credentials CHAP names and secrets of initiators; not empty: every login has to prove one
 * @param target      what the target proves when an initiator asks for mutual CHAP, or null
 */
public record IscsiAccess(Set<String> initiators, List<ChapCredential> credentials, ChapCredential target) {
    /** Whoever reaches a loopback address. */
    public static final IscsiAccess LOOPBACK = new IscsiAccess(Set.of(), List.of(), null);

    public IscsiAccess {
        initiators =
                initiators.stream().map(name -> name.toLowerCase(Locale.ROOT)).collect(Collectors.toSet());
        credentials = List.copyOf(credentials);
        if (target != null && credentials.isEmpty()) {
            throw new IllegalArgumentException(
                    "CHAP: the target has a secret and no initiator has (expected: mutual CHAP with both)");
        }
        for (final ChapCredential credential : credentials) {
            // Or an initiator could have the target compute its own answer (RFC 7143 section 9.2.1).
            if (target != null && credential.hasSecretOf(target)) {
                throw new IllegalArgumentException(
                        "CHAP secret of the target: the same as that of " + credential.name() + " (expected: another)");
            }
        }
    }

    /** Nothing but the address of a peer says whether it may come in. */
    public boolean loopbackOnly() {
        return initiators.isEmpty() && credentials.isEmpty();
    }

    boolean mustAuthenticate() {
        return !credentials.isEmpty();
    }

    /** @param initiatorName lower case; what it authenticated as has been checked */
    boolean admits(final String initiatorName, final boolean loopbackPeer) {
        return loopbackOnly() ? loopbackPeer : initiators.isEmpty() || initiators.contains(initiatorName);
    }
}
