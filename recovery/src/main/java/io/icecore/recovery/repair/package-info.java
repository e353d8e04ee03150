/**
 * A consistent store from what can still be read: without its superblocks, or with damaged nodes. The only thing that may
 * lose data, and it says what.
 *
 * <p>Start reading at {@link io.icecore.recovery.repair.StoreRepair}; docs/architecture.md section 9 tells by what it goes.
 *
 * <p>Uses {@code recovery.check} for looking and for the proof at the end, and the formats below; is used by {@code cli}.
 */
package io.icecore.recovery.repair;
