/**
 * The process that holds a store open and serves it: what it consists of, the order in which that is built, and the order
 * in which it is taken down.
 *
 * <p>Start reading at {@link io.icecore.cli.daemon.Daemon}: everything else is a part of it.
 */
package io.icecore.cli.daemon;
