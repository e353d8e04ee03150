/**
 * Recovery points: snapshots taken on a timer and thinned as they age.
 *
 * <p>Start reading at {@link io.icecore.recovery.point.RollingSnapshots#tick}, the timer; then
 * {@link io.icecore.recovery.point.RetentionPlan}, the rule that says what stays.
 *
 * <p>Uses {@code volume}; is used by {@code cli}.
 */
package io.icecore.recovery.point;
