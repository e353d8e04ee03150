package io.icecore.store.device;

/** A path cannot be opened, or created, as a device. The message is one line that names the path. */
public final class DeviceOpenException extends StoreException {
    private static final long serialVersionUID = 1L;

    /** What kind of obstacle it is: they call for different exit codes and hints. */
    public enum Reason {
        /** Nothing exists at the path, or its directory does not. */
        MISSING,
        /** A directory, a socket, a terminal: no file and no block device. */
        WRONG_TYPE,
        PERMISSION,
        /** Another process, or this one, has it open for writing; or a block device is mounted. */
        IN_USE,
        /** Creating would destroy what is there. */
        NOT_EMPTY,
        /** The block device is smaller than asked for. */
        TOO_SMALL,
        OTHER
    }

    private final Reason reason;

    DeviceOpenException(final Reason reason, final String message) {
        this(reason, message, null);
    }

    DeviceOpenException(final Reason reason, final String message, final Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
