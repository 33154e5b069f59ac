// The end of a call of a plugin.
import type { CallFailure, Changes } from './message.ts';

/** The end of a call. */
export type Outcome =
  | { readonly ok: true; readonly changes: Changes | null; readonly bytes: Buffer | null }
  | { readonly ok: false; readonly failure: Failure; readonly reason: string };

/** `unusable`: the module does not run; `paused`: it crashed, and starts again after a pause; `busy`: too many calls wait. */
export type Failure = CallFailure | 'unusable' | 'paused' | 'busy';
