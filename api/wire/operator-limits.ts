// Limits of the calls by which the admin program asks a controller.

/** The largest input of an operation, bytes of JSON: a few hundred endpoints with their labels. */
export const MAX_OPERATION_BYTES = 256 * 1_024;

/** The most bytes of an answer in one message. */
export const PART_BYTES = 64 * 1_024;

/** The longest name of a caller, characters. */
export const MAX_CALLER = 256;

/** Calls that a controller runs at once. */
export const MAX_CALLS = 64;

/** A caller that takes nothing of an answer for this time is cut off, milliseconds: the sources of the answer wait for it. */
export const STALLED_MS = 10_000;

/** The longest call, milliseconds: a tail of ten minutes, and its way. */
export const MAX_CALL_MS = 11 * 60_000;
