package io.icecore.volume.iscsi;

import java.io.ByteArrayOutputStream;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The login phase of one connection (RFC 7143 section 6.3): login requests go in, login responses come out.
 *
 * <pre>
 *   SECURITY --authenticated, T--> OPERATIONAL --T--> FULL FEATURE
 *      +-----------------authenticated, T, NSG=3----------^
 * </pre>
 *
 * <p>Pure: knows neither sockets nor volumes. Whether a target exists and whether there is room for a session is
 * asked of {@link Admission} at the very end, so that nobody learns of a target's existence without having
 * authenticated.
 */
final class LoginPhase {
    /** Opens what was asked for. */
    interface Admission {
        /** The session is made when this returns SUCCESS. */
        LoginStatus admit(LoginRequest request);

        /** TSIH of the session made, 1 to 65535. */
        int sessionHandle();

        /** Whether there is a session of this handle. */
        boolean sessionExists(int sessionHandle);
    }

    private static final int SECURITY = 0;
    private static final int OPERATIONAL = 1;
    private static final int FULL_FEATURE = 3;
    private static final int TRANSIT = 0x80;
    private static final String PORTAL_GROUP_TAG = "1";
    private static final int EXCHANGES_MAX = 64;

    private final IscsiAccess access;
    private final boolean loopbackPeer;
    private final Admission admission;
    private final SessionParameters parameters = new SessionParameters();
    private final ChapAuthentication chap;
    private final ByteArrayOutputStream continued = new ByteArrayOutputStream();

    private int stage = -1;
    private int exchanges;
    private long isid;
    private int connectionId;
    private String initiatorName;
    private String targetName;
    private boolean discovery;
    private boolean chapChosen;
    private boolean portalGroupTold;
    private LoginRequest established;
    private String refusal;

    /** @param loopbackPeer the peer's address is one of this machine's loopback */
    LoginPhase(
            final IscsiAccess access,
            final boolean loopbackPeer,
            final SecureRandom random,
            final Admission admission) {
        this.access = access;
        this.loopbackPeer = loopbackPeer;
        this.admission = admission;
        this.chap = new ChapAuthentication(access.credentials(), access.target(), random);
    }

    /** What the login has established once it has succeeded; null before. */
    LoginRequest established() {
        return established;
    }

    SessionParameters parameters() {
        return parameters;
    }

    /** Why the login has failed, for the log; null otherwise. After a failure the connection ends. */
    String refusal() {
        return refusal;
    }

    /** @throws PduException when this is no login request at all */
    LoginReply onPdu(final Pdu pdu) throws PduException {
        if (pdu.opcode() != Opcode.LOGIN) {
            throw new PduException("opcode during login: " + pdu.opcode(), Opcode.REJECT_PROTOCOL_ERROR, pdu.header());
        }
        final int requested = pdu.flags() >> 2 & 3;
        if (stage < 0) {
            stage = requested;
            isid = pdu.u32(8) & 0xffff_ffffL;
            isid = isid << 16 | pdu.u16(12);
            connectionId = pdu.u16(20);
        }
        final LoginStatus wrong = checkHeader(pdu, requested);
        if (wrong != LoginStatus.SUCCESS) {
            return refuse(wrong, pdu, "malformed login request");
        }
        if (continued.size() + pdu.dataLength() > TextParameters.LENGTH_MAX) {
            return refuse(LoginStatus.INITIATOR_ERROR, pdu, "login text too long");
        }
        continued.writeBytes(pdu.dataBytes());
        if ((pdu.flags() & Opcode.CONTINUE) != 0) {
            return reply(pdu, false, 0, new LinkedHashMap<>());
        }
        final Map<String, String> offered;
        try {
            offered = TextParameters.decode(continued.toByteArray());
        } catch (final PduException ex) {
            return refuse(LoginStatus.INITIATOR_ERROR, pdu, ex.getMessage());
        }
        continued.reset();
        return onOffers(pdu, offered);
    }

    private LoginStatus checkHeader(final Pdu pdu, final int requested) {
        if (pdu.u8(3) != 0) {
            return LoginStatus.UNSUPPORTED_VERSION;
        }
        final boolean transit = (pdu.flags() & TRANSIT) != 0;
        final int next = pdu.flags() & 3;
        final boolean malformed = requested != stage
                || requested > OPERATIONAL
                || transit && (next <= requested || next == 2)
                || transit && (pdu.flags() & Opcode.CONTINUE) != 0
                || ++exchanges > EXCHANGES_MAX;
        return malformed ? LoginStatus.INITIATOR_ERROR : LoginStatus.SUCCESS;
    }

    private LoginReply onOffers(final Pdu pdu, final Map<String, String> offered) {
        final LoginStatus named = takeNames(pdu, offered);
        if (named != LoginStatus.SUCCESS) {
            return refuse(named, pdu, "names");
        }
        final Map<String, String> answers = new LinkedHashMap<>();
        tellPortalGroup(answers);
        if (stage == SECURITY) {
            try {
                authenticate(offered, answers);
            } catch (final ChapAuthentication.FailedException ex) {
                return refuse(LoginStatus.AUTHENTICATION_FAILURE, pdu, ex.getMessage());
            }
        }
        offered.forEach((key, value) -> {
            if (!parameters.negotiate(key, value, discovery, answers)) {
                answers.putAll(SessionParameters.notUnderstood(key, value));
            }
        });
        if (stage == OPERATIONAL) {
            parameters.declare(answers);
        }
        final boolean transit = (pdu.flags() & TRANSIT) != 0;
        if (!transit) {
            return reply(pdu, false, 0, answers);
        }
        return transit(pdu, pdu.flags() & 3, answers);
    }

    private LoginReply transit(final Pdu pdu, final int next, final Map<String, String> answers) {
        if (access.mustAuthenticate() && !chap.done()) {
            if (stage == SECURITY && chapChosen) {
                return reply(pdu, false, 0, answers); // Not before the exchange is over.
            }
            return refuse(LoginStatus.AUTHENTICATION_FAILURE, pdu, "no authentication");
        }
        if (next != FULL_FEATURE) {
            final LoginReply reply = reply(pdu, true, next, answers);
            stage = next;
            return reply;
        }
        final LoginRequest request = new LoginRequest(initiatorName, isid, targetName, discovery, connectionId);
        final LoginStatus status = access.admits(initiatorName, loopbackPeer)
                ? admission.admit(request)
                : LoginStatus.AUTHORIZATION_FAILURE;
        if (status != LoginStatus.SUCCESS) {
            return refuse(status, pdu, "not admitted");
        }
        parameters.declare(answers);
        established = request;
        return new LoginReply(
                LoginStatus.SUCCESS,
                true,
                stage,
                FULL_FEATURE,
                isid,
                admission.sessionHandle(),
                pdu.initiatorTaskTag(),
                TextParameters.encode(answers),
                parameters);
    }

    private LoginStatus takeNames(final Pdu pdu, final Map<String, String> offered) {
        final String initiator = offered.remove("InitiatorName");
        final String target = offered.remove("TargetName");
        final String type = offered.remove("SessionType");
        offered.remove("InitiatorAlias");
        if (initiatorName == null) {
            if (initiator == null || initiator.isEmpty()) {
                return LoginStatus.MISSING_PARAMETER;
            }
            if (!TargetNames.isName(initiator)) {
                return LoginStatus.INITIATOR_ERROR;
            }
            initiatorName = initiator.toLowerCase(Locale.ROOT);
            discovery = "Discovery".equals(type);
            if (type != null && !discovery && !"Normal".equals(type)) {
                return LoginStatus.SESSION_TYPE_NOT_SUPPORTED;
            }
            if (target == null && !discovery) {
                return LoginStatus.MISSING_PARAMETER;
            }
            targetName = discovery ? null : target;
            final int sessionHandle = pdu.u16(14);
            if (sessionHandle != 0) {
                // One connection a session: there is no second one to add.
                return admission.sessionExists(sessionHandle)
                        ? LoginStatus.TOO_MANY_CONNECTIONS
                        : LoginStatus.SESSION_DOES_NOT_EXIST;
            }
        } else if (initiator != null && !initiator.toLowerCase(Locale.ROOT).equals(initiatorName)) {
            return LoginStatus.INITIATOR_ERROR;
        }
        return LoginStatus.SUCCESS;
    }

    private void tellPortalGroup(final Map<String, String> answers) {
        if (!portalGroupTold && !discovery) {
            portalGroupTold = true;
            answers.put("TargetPortalGroupTag", PORTAL_GROUP_TAG);
        }
    }

    private void authenticate(final Map<String, String> offered, final Map<String, String> answers)
            throws ChapAuthentication.FailedException {
        final String methods = offered.remove("AuthMethod");
        if (methods != null) {
            final String method = access.mustAuthenticate() ? "CHAP" : "None";
            if (!List.of(methods.split(",")).contains(method)) {
                throw new ChapAuthentication.FailedException("no authentication method in common");
            }
            chapChosen = access.mustAuthenticate();
            answers.put("AuthMethod", method);
        }
        if (chapChosen) {
            chap.step(offered, answers);
        }
    }

    private LoginReply reply(final Pdu pdu, final boolean transit, final int next, final Map<String, String> answers) {
        return new LoginReply(
                LoginStatus.SUCCESS,
                transit,
                stage,
                next,
                isid,
                0,
                pdu.initiatorTaskTag(),
                TextParameters.encode(answers),
                null);
    }

    private LoginReply refuse(final LoginStatus status, final Pdu pdu, final String why) {
        refusal = status + ": " + why;
        return new LoginReply(
                status, false, Math.max(0, stage) & 3, 0, isid, 0, pdu.initiatorTaskTag(), new byte[0], null);
    }
}
