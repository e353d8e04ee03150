package io.icecore.cli.daemon;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;

/** Where a server listens, as people write it: {@code host:port}, {@code [::1]:port} or {@code unix:PATH}. */
public record ListenAddress(SocketAddress socket) {
    private static final String UNIX = "unix:";
    private static final int PORT_MAX = 65_535;

    /**
     * @param directory that a relative path of a socket starts from
     * @throws IllegalArgumentException naming the text and the rule it breaks
     */
    public static ListenAddress parse(final String text, final Path directory) {
        if (text.startsWith(UNIX)) {
            final String path = text.substring(UNIX.length());
            if (path.isEmpty()) {
                throw broken(text);
            }
            return unix(directory.resolve(path).normalize());
        }
        final int colon = text.lastIndexOf(':');
        if (colon <= 0) {
            throw broken(text);
        }
        final String host = text.substring(0, colon);
        final boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (host.indexOf(':') >= 0 && !bracketed) {
            throw broken(text);
        }
        final int port = port(text, text.substring(colon + 1)); // Before the host: looking that up may take a while.
        final InetAddress address = resolve(text, bracketed ? host.substring(1, host.length() - 1) : host);
        return new ListenAddress(new InetSocketAddress(address, port));
    }

    public static ListenAddress unix(final Path path) {
        return new ListenAddress(UnixDomainSocketAddress.of(path));
    }

    private static InetAddress resolve(final String text, final String host) {
        try {
            return InetAddress.getByName(host);
        } catch (final UnknownHostException ex) {
            throw new IllegalArgumentException("address: " + text + ": unknown host: " + host, ex);
        }
    }

    private static int port(final String text, final String port) {
        try {
            final int number = Integer.parseInt(port);
            if (0 <= number && number <= PORT_MAX) {
                return number;
            }
        } catch (final NumberFormatException ex) {
            throw new IllegalArgumentException(broken(text).getMessage(), ex);
        }
        throw broken(text);
    }

    private static IllegalArgumentException broken(final String text) {
        return new IllegalArgumentException(
                "address: " + text + " (expected: host:port, port 0 to " + PORT_MAX + ", or unix:PATH)");
    }

    /** Reachable from this machine only. */
    public boolean local() {
        return !(socket instanceof InetSocketAddress inet) || inet.getAddress().isLoopbackAddress();
    }

    /** For people: what NBD clients are given, without the name of an export. */
    public String nbdUri() {
        if (socket instanceof InetSocketAddress inet) {
            return "nbd://" + hostAndPort(inet) + "/";
        }
        return "nbd+unix:///?socket=" + ((UnixDomainSocketAddress) socket).getPath();
    }

    /** For people: what iSCSI initiators are given, without the name of a target. TCP only. */
    public String iscsiUri() {
        return "iscsi://" + hostAndPort(tcp()) + "/";
    }

    /** @throws IllegalArgumentException when it is no TCP address */
    public InetSocketAddress tcp() {
        if (socket instanceof InetSocketAddress inet) {
            return inet;
        }
        throw new IllegalArgumentException("address: " + UNIX + ((UnixDomainSocketAddress) socket).getPath()
                + " (expected: host:port, for iSCSI is spoken over TCP)");
    }

    private static String hostAndPort(final InetSocketAddress inet) {
        final String host = inet.getAddress().getHostAddress();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + inet.getPort();
    }
}
