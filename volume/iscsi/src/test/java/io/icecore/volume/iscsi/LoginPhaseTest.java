package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The login phase by RFC 7143 sections 6.3 and 11.12, 11.13: stages, names, statuses. */
class LoginPhaseTest {
    private static final String NAMES = "InitiatorName=iqn.a:b\0TargetName=iqn.t\0SessionType=Normal\0";
    private static final int SECURITY = 0;
    private static final int OPERATIONAL = 1;
    private static final int FULL = 3;

    private LoginRequest admitted;
    private LoginStatus admission = LoginStatus.SUCCESS;

    private LoginPhase phase(final IscsiAccess access, final boolean loopback) {
        return new LoginPhase(access, loopback, new SecureRandom(), new LoginPhase.Admission() {
            @Override
            public LoginStatus admit(final LoginRequest request) {
                admitted = request;
                return admission;
            }

            @Override
            public int sessionHandle() {
                return 17;
            }

            @Override
            public boolean sessionExists(final int sessionHandle) {
                return sessionHandle == 17;
            }
        });
    }

    private LoginPhase phase() {
        return phase(IscsiAccess.LOOPBACK, true);
    }

    private static Pdu request(final int flags, final int sessionHandle, final String text) throws PduException {
        final byte[] data = text.getBytes(StandardCharsets.UTF_8);
        final ByteBuffer bytes = ByteBuffer.allocate(48 + data.length + 3 & ~3);
        bytes.put(0, (byte) 0x43).put(1, (byte) flags).putInt(4, data.length);
        bytes.putShort(8, (short) 0x4000).putInt(10, 7).putShort(14, (short) sessionHandle);
        bytes.put(48, data);
        return new PduDecoder(8192).decode(bytes);
    }

    private static Pdu transit(final int from, final int to, final String text) throws PduException {
        return request(0x80 | from << 2 | to, 0, text);
    }

    private static String text(final LoginReply reply) {
        return new String(reply.text(), StandardCharsets.UTF_8);
    }

    @Test
    void goesThroughBothStages() throws PduException {
        final LoginPhase phase = phase();
        final LoginReply first = phase.onPdu(transit(SECURITY, OPERATIONAL, NAMES + "AuthMethod=CHAP,None\0"));
        assertThat(first.transit()).isTrue();
        assertThat(text(first)).contains("AuthMethod=None").contains("TargetPortalGroupTag=1");
        assertThat(phase.established()).isNull();
        final LoginReply last = phase.onPdu(transit(OPERATIONAL, FULL, "ImmediateData=No\0"));
        assertThat(last.status()).isEqualTo(LoginStatus.SUCCESS);
        assertThat(last.sessionHandle()).isEqualTo(17);
        assertThat(text(last)).contains("ImmediateData=No").contains("MaxRecvDataSegmentLength=262144");
        assertThat(phase.established().port()).isEqualTo("iqn.a:b,i,0x400000000007");
        assertThat(phase.established()).isEqualTo(admitted);
    }

    @Test
    void putsTheTextOfSeveralPdusTogether() throws PduException {
        final LoginPhase phase = phase();
        assertThat(phase.onPdu(request(0x40 | 1 << 2, 0, "InitiatorName=iqn.a:b\0Targ"))
                        .transit())
                .isFalse();
        phase.onPdu(transit(OPERATIONAL, FULL, "etName=iqn.t\0"));
        assertThat(admitted.targetName()).isEqualTo("iqn.t");
    }

    @Test
    void asksNobodyBeforeTheInitiatorHasAuthenticated() throws PduException {
        final LoginPhase phase =
                phase(new IscsiAccess(Set.of(), List.of(new ChapCredential("me", "secret-secret")), null), true);
        final LoginReply reply = phase.onPdu(transit(OPERATIONAL, FULL, NAMES));
        assertThat(reply.status()).isEqualTo(LoginStatus.AUTHENTICATION_FAILURE);
        assertThat(admitted).isNull();
    }

    @Test
    void doesNotLeaveTheSecurityStageBeforeTheExchangeIsOver() throws PduException {
        final LoginPhase phase =
                phase(new IscsiAccess(Set.of(), List.of(new ChapCredential("me", "secret-secret")), null), true);
        assertThat(phase.onPdu(transit(SECURITY, FULL, NAMES + "AuthMethod=CHAP\0"))
                        .transit())
                .isFalse();
        assertThat(phase.onPdu(transit(SECURITY, FULL, "CHAP_A=5\0")).transit()).isFalse();
        final LoginReply last = phase.onPdu(transit(SECURITY, FULL, "CHAP_N=me\0CHAP_R=0x00\0"));
        assertThat(last.status()).isEqualTo(LoginStatus.AUTHENTICATION_FAILURE);
        assertThat(admitted).isNull();
    }

    @Test
    void servesOnlyLoopbackPeersUnlessSomethingElseProtectsIt() throws PduException {
        assertThat(phase(IscsiAccess.LOOPBACK, false)
                        .onPdu(transit(OPERATIONAL, FULL, NAMES))
                        .status())
                .isEqualTo(LoginStatus.AUTHORIZATION_FAILURE);
        final IscsiAccess listed = new IscsiAccess(Set.of("iqn.a:b"), List.of(), null);
        assertThat(phase(listed, false).onPdu(transit(OPERATIONAL, FULL, NAMES)).status())
                .isEqualTo(LoginStatus.SUCCESS);
    }

    @Test
    void refusesMalformedRequests() throws PduException {
        assertStatus(LoginStatus.MISSING_PARAMETER, transit(OPERATIONAL, FULL, "TargetName=iqn.t\0"));
        assertStatus(LoginStatus.MISSING_PARAMETER, transit(OPERATIONAL, FULL, "InitiatorName=iqn.a:b\0"));
        assertStatus(
                LoginStatus.SESSION_TYPE_NOT_SUPPORTED, transit(OPERATIONAL, FULL, "InitiatorName=i\0SessionType=x\0"));
        assertStatus(LoginStatus.INITIATOR_ERROR, transit(2, FULL, NAMES));
        assertStatus(LoginStatus.INITIATOR_ERROR, transit(OPERATIONAL, OPERATIONAL, NAMES));
        assertStatus(LoginStatus.INITIATOR_ERROR, transit(OPERATIONAL, FULL, "nonsense"));
        assertStatus(LoginStatus.TOO_MANY_CONNECTIONS, request(0x87, 17, NAMES));
        assertStatus(LoginStatus.SESSION_DOES_NOT_EXIST, request(0x87, 18, NAMES));
    }

    private void assertStatus(final LoginStatus status, final Pdu request) throws PduException {
        final LoginPhase phase = phase();
        assertThat(phase.onPdu(request).status()).isEqualTo(status);
        assertThat(phase.refusal()).isNotNull();
        assertThat(phase.established()).isNull();
    }

    @Test
    void passesOnWhyATargetIsNotServed() throws PduException {
        admission = LoginStatus.NOT_FOUND;
        assertStatus(LoginStatus.NOT_FOUND, transit(OPERATIONAL, FULL, NAMES));
    }

    @Test
    void boundsTheTextAndTheExchanges() throws PduException {
        final LoginPhase phase = phase();
        LoginReply reply = phase.onPdu(request(1 << 2, 0, NAMES));
        int count = 0;
        while (reply.status() == LoginStatus.SUCCESS && count++ < 1000) {
            reply = phase.onPdu(request(0x40 | 1 << 2, 0, "x".repeat(8000)));
        }
        assertThat(count).isLessThan(20);
    }

    @Test
    void takesNothingButLoginRequests() {
        final ByteBuffer nop = ByteBuffer.allocate(48);
        assertThatThrownBy(() -> phase().onPdu(new PduDecoder(0).decode(nop))).isInstanceOf(PduException.class);
    }
}
