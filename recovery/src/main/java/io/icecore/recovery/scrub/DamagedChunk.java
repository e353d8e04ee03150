package io.icecore.recovery.scrub;

import io.icecore.recovery.check.Finding;
import io.icecore.recovery.check.Owners;

/**
 * A chunk of data that is not what was written.
 *
 * @param sight    whose it is
 * @param chunk    of the volume
 * @param block    where it is on the device
 * @param expected checksum
 * @param found    checksum, or null where the device could not read it
 */
public record DamagedChunk(Owners.Sight sight, long chunk, long block, int expected, Integer found) {
    private static final String NONE = "-";

    public Finding finding() {
        return new Finding(
                "chunk " + chunk + " of " + sight + ", block " + block,
                found == null
                        ? String.format("cannot be read (expected: checksum 0x%08x)", expected)
                        : String.format("checksum 0x%08x (expected: 0x%08x)", found, expected));
    }

    String line() {
        return String.join(
                "\t",
                "damaged",
                sight.volume(),
                sight.firstSnapshot() == null ? NONE : sight.firstSnapshot(),
                sight.lastSnapshot() == null ? NONE : sight.lastSnapshot(),
                String.valueOf(sight.snapshotCount()),
                String.valueOf(sight.head()),
                String.valueOf(chunk),
                String.valueOf(block),
                Integer.toHexString(expected),
                found == null ? NONE : Integer.toHexString(found));
    }

    static DamagedChunk parse(final String line) {
        final String[] fields = line.split("\t", -1);
        final boolean seen = !fields[4].equals("0");
        final Owners.Sight sight = new Owners.Sight(
                fields[1],
                seen ? fields[2] : null,
                seen ? fields[3] : null,
                Integer.parseInt(fields[4]),
                Boolean.parseBoolean(fields[5]));
        return new DamagedChunk(
                sight,
                Long.parseLong(fields[6]),
                Long.parseLong(fields[7]),
                Integer.parseUnsignedInt(fields[8], 16),
                fields[9].equals(NONE) ? null : Integer.parseUnsignedInt(fields[9], 16));
    }
}
