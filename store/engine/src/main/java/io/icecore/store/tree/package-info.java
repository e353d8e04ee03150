/**
 * Copy-on-write trees of self-identifying nodes, their cache, and the redirect table that spares a commit the path
 * to the root.
 *
 * <p>Start at {@link io.icecore.store.tree.Tree}; {@link io.icecore.store.tree.Forest#write} is the half of a
 * commit that concerns nodes.
 */
package io.icecore.store.tree;
