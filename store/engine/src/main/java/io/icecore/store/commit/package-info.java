/**
 * Making changes durable and finding them again: the two halves of one protocol, side by side.
 *
 * <p>Start at {@link io.icecore.store.commit.Committer#commit()}, then {@link io.icecore.store.commit.Opener},
 * which has to make sense of whatever a power loss left of a commit. docs/architecture.md section 4 tells the
 * story in prose.
 */
package io.icecore.store.commit;
