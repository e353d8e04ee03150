package io.icecore.volume.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.volume.VolumeWorkers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The options one by one, over a socket, each followed by proof that the haggling goes on. */
class NbdHandshakeTest {
    private static final int SIZE = 1 << 20;
    private static final int WRITABLE_FLAGS = Nbd.FLAG_HAS_FLAGS
            | Nbd.FLAG_SEND_FLUSH
            | Nbd.FLAG_SEND_FUA
            | Nbd.FLAG_SEND_TRIM
            | Nbd.FLAG_SEND_WRITE_ZEROES
            | Nbd.FLAG_CAN_MULTI_CONN
            | Nbd.FLAG_SEND_CACHE
            | Nbd.FLAG_SEND_FAST_ZERO;

    private final MemoryExportTable table = new MemoryExportTable();
    private final MemoryExport volume = table.add("vol", SIZE);
    private final VolumeWorkers workers = new VolumeWorkers(2, 16);
    private final NbdServer server = new NbdServer(table, workers, NbdServerOptions.DEFAULT);
    private RawNbdClient client;
    private SocketAddress address;

    @BeforeEach
    void connect() throws IOException {
        table.add("vol@monday", SIZE);
        address = server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        client = new RawNbdClient(address);
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        server.close();
        workers.close();
        assertThat(volume.opens)
                .as("every export that was opened has been closed")
                .hasValue(0);
    }

    private void greet() throws IOException {
        client.greet(Nbd.FLAG_C_FIXED_NEWSTYLE | Nbd.FLAG_C_NO_ZEROES);
    }

    @Test
    void greetsAsAFixedNewstyleServer() throws IOException {
        final ByteBuffer greeting = client.receive(18);

        assertThat(greeting.getLong()).isEqualTo(0x4e42444d41474943L);
        assertThat(greeting.getLong()).isEqualTo(0x49484156454F5054L);
        assertThat(greeting.getShort()).isEqualTo((short) 3);
    }

    @Test
    void dropsAClientWithUnknownFlags() throws IOException {
        client.greet(4);

        assertThat(client.atEnd()).isTrue();
    }

    @Test
    void entersTransmissionByExportName() throws IOException {
        greet();
        client.sendOption(Nbd.OPT_EXPORT_NAME, "vol".getBytes(UTF_8));

        final ByteBuffer reply = client.receive(10);
        assertThat(reply.getLong()).isEqualTo(SIZE);
        assertThat(Short.toUnsignedInt(reply.getShort())).isEqualTo(WRITABLE_FLAGS);
        client.request(Nbd.CMD_READ, 0, 7, 0, 512);
        assertThat(client.reply(512).error()).isZero();
    }

    @Test
    void padsTheReplyToExportNameForClientsThatDidNotSayOtherwise() throws IOException {
        client.greet(0);
        client.sendOption(Nbd.OPT_EXPORT_NAME, "vol".getBytes(UTF_8));

        final ByteBuffer reply = client.receive(10 + 124);
        assertThat(reply.getLong()).isEqualTo(SIZE);
        for (int i = 10; i < reply.limit(); i++) {
            assertThat(reply.get(i)).isZero();
        }
        client.request(Nbd.CMD_READ, 0, 7, 0, 512);
        assertThat(client.reply(512).error()).isZero();
    }

    @Test
    void hangsUpOnAnExportNameThatNamesNothing() throws IOException {
        greet();
        client.sendOption(Nbd.OPT_EXPORT_NAME, "nothing".getBytes(UTF_8));

        assertThat(client.atEnd()).isTrue();
    }

    @Test
    void tellsOnlyWhatIsAskedFor() throws IOException {
        greet();
        final List<RawNbdClient.OptionReply> replies = client.option(Nbd.OPT_INFO, RawNbdClient.go("vol"));

        assertThat(replies).hasSize(2);
        final ByteBuffer export = ByteBuffer.wrap(replies.get(0).data());
        assertThat(export.getShort()).isEqualTo((short) Nbd.INFO_EXPORT);
        assertThat(export.getLong()).isEqualTo(SIZE);
        assertThat(Short.toUnsignedInt(export.getShort())).isEqualTo(WRITABLE_FLAGS);
        assertThat(replies.get(1).type()).isEqualTo(Nbd.REP_ACK);
        assertStillHaggling();
    }

    @Test
    void tellsNameDescriptionAndBlockSize() throws IOException {
        greet();
        final List<RawNbdClient.OptionReply> replies = client.option(
                Nbd.OPT_INFO,
                RawNbdClient.go("vol", Nbd.INFO_NAME, Nbd.INFO_DESCRIPTION, Nbd.INFO_BLOCK_SIZE, 99, 0xFFFF));

        assertThat(replies).hasSize(5);
        assertThat(replies.get(1).text()).isEqualTo("\0\1vol");
        assertThat(replies.get(2).text()).isEqualTo("\0\2Icecore volume");
        final ByteBuffer sizes = ByteBuffer.wrap(replies.get(3).data());
        assertThat(sizes.getShort()).isEqualTo((short) Nbd.INFO_BLOCK_SIZE);
        assertThat(sizes.getInt()).isEqualTo(1);
        assertThat(sizes.getInt()).isEqualTo(4096);
        assertThat(sizes.getInt()).isEqualTo(32 << 20);
        assertStillHaggling();
    }

    @Test
    void advertisesSnapshotsAsReadOnlyAndOnceStructuredRepliesAreNegotiatedUnfragmentedReads() throws IOException {
        greet();
        client.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        final ByteBuffer export = ByteBuffer.wrap(
                client.option(Nbd.OPT_GO, RawNbdClient.go("vol@monday")).get(0).data());

        assertThat(Short.toUnsignedInt(export.getShort(10)))
                .isEqualTo(Nbd.FLAG_HAS_FLAGS
                        | Nbd.FLAG_READ_ONLY
                        | Nbd.FLAG_SEND_FLUSH
                        | Nbd.FLAG_SEND_FUA
                        | Nbd.FLAG_SEND_DF
                        | Nbd.FLAG_CAN_MULTI_CONN
                        | Nbd.FLAG_SEND_CACHE);
    }

    @Test
    void refusesUnknownExportsAndGoesOn() throws IOException {
        greet();
        assertRefused(Nbd.OPT_GO, RawNbdClient.go("nothing"), Nbd.REP_ERR_UNKNOWN, "no such volume: nothing");
        assertRefused(Nbd.OPT_INFO, RawNbdClient.go(" "), Nbd.REP_ERR_UNKNOWN, "no spec");
        assertStillHaggling();
    }

    @Test
    void takesTheEmptyNameForTheOnlyVolume() throws IOException {
        greet();
        assertThat(client.option(Nbd.OPT_INFO, RawNbdClient.go("", Nbd.INFO_NAME))
                        .get(1)
                        .text())
                .isEqualTo("\0\1vol");

        table.add("other", SIZE);
        assertRefused(Nbd.OPT_GO, RawNbdClient.go(""), Nbd.REP_ERR_UNKNOWN, "2 volumes");
    }

    @Test
    void listsVolumesAndSnapshots() throws IOException {
        greet();
        final List<RawNbdClient.OptionReply> replies = client.option(Nbd.OPT_LIST, new byte[0]);

        assertThat(replies).extracting(RawNbdClient.OptionReply::type).containsExactly(2, 2, 1);
        assertThat(replies.get(0).text()).isEqualTo("\0\0\0\3volIcecore volume");
        assertThat(replies.get(1).text()).isEqualTo("\0\0\0\12vol@mondayIcecore snapshot, read-only");
        assertStillHaggling();
    }

    @Test
    void listsMoreNamesThanOneBufferHolds() throws IOException {
        for (int i = 0; i < 2000; i++) {
            table.add("a-volume-with-a-rather-long-name-" + i, 4096);
        }
        greet();
        assertThat(client.option(Nbd.OPT_LIST, new byte[0])).hasSize(2003);
    }

    @Test
    void refusesDataWhereNoneBelongs() throws IOException {
        greet();
        final byte[] data = new byte[3];
        assertRefused(Nbd.OPT_LIST, data, Nbd.REP_ERR_INVALID, "3 bytes of data too many");
        assertRefused(Nbd.OPT_STRUCTURED_REPLY, data, Nbd.REP_ERR_INVALID, "3 bytes");
        assertRefused(Nbd.OPT_STARTTLS, data, Nbd.REP_ERR_INVALID, "3 bytes");
        assertStillHaggling();
    }

    @Test
    void refusesWhatItDoesNotOffer() throws IOException {
        greet();
        assertRefused(Nbd.OPT_STARTTLS, new byte[0], Nbd.REP_ERR_UNSUP, "TLS");
        assertRefused(11, new byte[0], Nbd.REP_ERR_UNSUP, "unknown option");
        assertRefused(4, new byte[5], Nbd.REP_ERR_UNSUP, "unknown option");
        assertRefused(-1, new byte[5], Nbd.REP_ERR_UNSUP, "unknown option");
        assertStillHaggling();
    }

    @Test
    void refusesLengthsThatPointOutsideTheOption() throws IOException {
        greet();
        assertRefused(Nbd.OPT_GO, new byte[0], Nbd.REP_ERR_INVALID, "a length of 4 where 0 bytes are left");
        assertRefused(
                Nbd.OPT_GO,
                ByteBuffer.allocate(6).putInt(-1).array(),
                Nbd.REP_ERR_INVALID,
                "a length of 4294967295 where 2 bytes are left");
        final byte[] tooManyInfos = RawNbdClient.go("vol", 1, 2);
        tooManyInfos[8] = 77;
        assertRefused(Nbd.OPT_GO, tooManyInfos, Nbd.REP_ERR_INVALID, "a length of 2 where 0 bytes are left");
        assertStillHaggling();
    }

    @Test
    void refusesNamesBeyondTheLimitOfTheProtocol() throws IOException {
        greet();
        assertRefused(Nbd.OPT_GO, RawNbdClient.go("x".repeat(4097)), Nbd.REP_ERR_TOO_BIG, "4096");
        assertRefused(Nbd.OPT_GO, RawNbdClient.go("x".repeat(4096)), Nbd.REP_ERR_UNKNOWN, "no such volume");
        assertStillHaggling();
    }

    @Test
    void readsOverDataTooLongToKeep() throws IOException {
        greet();
        assertRefused(Nbd.OPT_GO, new byte[(64 << 10) + 1], Nbd.REP_ERR_TOO_BIG, "too long");
        assertRefused(77, new byte[3 << 20], Nbd.REP_ERR_UNSUP, "too long");
        assertStillHaggling();
    }

    @Test
    void dropsAClientThatAnnouncesFourGigabytes() throws IOException {
        greet();
        client.sendOptionHeader(Nbd.OPT_GO, -1);

        assertThat(client.atEnd()).isTrue();
    }

    @Test
    void dropsAClientThatLosesTheThread() throws IOException {
        greet();
        client.send(ByteBuffer.allocate(16).putLong(0x1234).position(16));

        assertThat(client.atEnd()).isTrue();
    }

    @Test
    void offersTheOneMetaContextThereIs() throws IOException {
        greet();
        client.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        for (final String query : new String[] {"base:", "base:allocation"}) {
            assertThat(client.option(Nbd.OPT_LIST_META_CONTEXT, RawNbdClient.metaContextQuery("vol", query))
                            .get(0)
                            .text())
                    .isEqualTo("\0\0\0\0base:allocation");
        }
        assertThat(client.option(Nbd.OPT_LIST_META_CONTEXT, RawNbdClient.metaContextQuery("vol")))
                .hasSize(2);
        assertThat(client.option(Nbd.OPT_LIST_META_CONTEXT, RawNbdClient.metaContextQuery("vol", "qemu:", "base:x")))
                .hasSize(1);
        assertStillHaggling();
    }

    @Test
    void selectsNoContextByWildcard() throws IOException {
        greet();
        client.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        assertThat(client.option(Nbd.OPT_SET_META_CONTEXT, RawNbdClient.metaContextQuery("vol", "base:")))
                .hasSize(1);
        assertThat(client.option(
                                Nbd.OPT_SET_META_CONTEXT,
                                RawNbdClient.metaContextQuery("vol", "x-other:thing", "base:allocation"))
                        .get(0)
                        .text())
                .isEqualTo("\0\0\0\1base:allocation");
    }

    @Test
    void wantsStructuredRepliesAndAnExportBeforeMetaContexts() throws IOException {
        greet();
        final byte[] query = RawNbdClient.metaContextQuery("vol", "base:allocation");
        assertRefused(Nbd.OPT_SET_META_CONTEXT, query, Nbd.REP_ERR_INVALID, "structured replies");
        assertRefused(Nbd.OPT_LIST_META_CONTEXT, query, Nbd.REP_ERR_INVALID, "structured replies");
        client.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        assertRefused(
                Nbd.OPT_SET_META_CONTEXT,
                RawNbdClient.metaContextQuery("nothing", "base:allocation"),
                Nbd.REP_ERR_UNKNOWN,
                "no such volume");
        assertStillHaggling();
    }

    @Test
    void forgetsTheContextOfAnotherExportOrOfAFailedSelection() throws IOException {
        greet();
        client.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        client.option(Nbd.OPT_SET_META_CONTEXT, RawNbdClient.metaContextQuery("vol@monday", "base:allocation"));
        client.option(Nbd.OPT_GO, RawNbdClient.go("vol"));

        client.request(Nbd.CMD_BLOCK_STATUS, 0, 7, 0, 4096);
        assertThat(client.reply().errorValue()).isEqualTo(NbdError.NO_META_CONTEXT.value);
    }

    @Test
    void saysGoodbyeToWhoeverAborts() throws IOException {
        greet();
        assertThat(client.option(Nbd.OPT_ABORT, new byte[9]).get(0).type()).isEqualTo(Nbd.REP_ACK);
        assertThat(client.atEnd()).isTrue();
    }

    @Test
    void answersOptionsThatArriveOneByteAtATime() throws IOException {
        greet();
        final byte[] data = RawNbdClient.go("vol", Nbd.INFO_BLOCK_SIZE);
        final byte[] option = ByteBuffer.allocate(16 + data.length)
                .putLong(Nbd.IHAVEOPT)
                .putInt(Nbd.OPT_INFO)
                .putInt(data.length)
                .put(data)
                .array();
        for (final byte single : option) {
            client.send(ByteBuffer.allocate(1).put(single));
        }
        assertThat(client.optionReplies()).hasSize(3);
    }

    @Test
    void limitsHowLongAClientMayHaggle() throws IOException {
        final NbdServerOptions hasty = new NbdServerOptions(4, 16, 32 << 20, 64 << 20, 1, 1, 1);
        try (NbdServer hastyServer = new NbdServer(table, workers, hasty);
                RawNbdClient slow = new RawNbdClient(
                        hastyServer.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)))) {
            slow.greet(Nbd.FLAG_C_FIXED_NEWSTYLE);
            assertThat(slow.atEnd()).isTrue();
            assertThat(hastyServer.clients()).allMatch(facts -> facts.export() == null);
        }
    }

    @Test
    void refusesNothingButALimitThatMakesNoSense() {
        assertThatThrownBy(() -> new NbdServerOptions(0, 1, 32 << 20, 64 << 20, 1, 1, 1))
                .hasMessage("connectionsMax: 0 (expected: 1 to 65536)");
        assertThatThrownBy(() -> new NbdServerOptions(1, 1, 1 << 20, 64 << 20, 1, 1, 1))
                .hasMessageStartingWith("bytesInFlightMax: 1048576 (expected: 33554432 to");
    }

    private void assertRefused(final int option, final byte[] data, final int type, final String message)
            throws IOException {
        final List<RawNbdClient.OptionReply> replies = client.option(option, data);
        assertThat(replies).hasSize(1);
        assertThat(replies.get(0).option()).isEqualTo(option);
        assertThat(replies.get(0).type()).isEqualTo(type);
        assertThat(replies.get(0).text()).contains(message);
    }

    private void assertStillHaggling() throws IOException {
        final List<RawNbdClient.OptionReply> replies = client.option(Nbd.OPT_GO, RawNbdClient.go("vol"));
        assertThat(replies.get(replies.size() - 1).type()).isEqualTo(Nbd.REP_ACK);
    }
}
