package io.icecore.cli;

/** Which build this is. */
final class Version {
    private Version() {}

    static String text() {
        final String version = Version.class.getPackage().getImplementationVersion();
        return Program.NAME + " " + (version == null ? "(unpackaged)" : version) + ", Java "
                + System.getProperty("java.version");
    }
}
