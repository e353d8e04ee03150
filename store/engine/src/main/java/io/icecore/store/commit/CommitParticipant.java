package io.icecore.store.commit;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** The layer above, asked once in each commit for what it wants to keep in the superblock itself. */
public interface CommitParticipant {
    /** Longest notes, in bytes. */
    int NOTES_LENGTH_MAX = 1536;

    /** Throws when what is in memory must not be made durable. Asked before anything is changed or committed. */
    default void ensureUsable() {}

    /**
     * Called under the store's lock just before a commit takes its cut. May change trees. Returns the length of the
     * notes it wrote: small state that changes with nearly every commit and would otherwise cost a leaf each time.
     * Whatever the notes hold stands for this commit as much as the trees do; opening hands them back.
     */
    int beforeCommit(MutableDirectBuffer notes);

    /** Called on opening, with the notes of the generation that was opened. */
    void loadNotes(DirectBuffer notes, int length);
}
