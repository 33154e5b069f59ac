// A source of endpoints outside Kubernetes: answers the question of one Backend for as long as it is asked. One file or folder for each
// source; index.ts has the list.
import type { Endpoint } from '#api/ir/ir.ts';
import type { SecretContents, SourceTrouble } from '../watch/found.ts';

/** Why a server gives no answer, in one word, for conditions. */
export type FaultReason = 'LookupFailed' | 'AccessDenied' | 'AddressRefused';

/** A question with settings of type S, while a source works on it. */
export interface Lookup<S> {
  /** The object that asks, like `Backend/default/app`. */
  readonly owner: string;
  readonly settings: S;
  /** The entries of the Secrets that the settings refer to, by name of the Secret and of the entry. */
  readonly secrets: SecretContents;
  /** The last answer to the same question, if an earlier call gave one. */
  readonly last: readonly Endpoint[] | null;
  /** Aborted when the question changes or ends: the source must return soon, and its later reports are ignored. */
  readonly signal: AbortSignal;
  /** Reports all current endpoints; an empty list means that there are none. `trouble`: a problem with a part of the answer. */
  readonly found: (endpoints: readonly Endpoint[], trouble?: SourceTrouble | null) => void;
  /** Reports a problem while the source goes on by itself. The last answer stays in use. */
  readonly troubled: (trouble: SourceTrouble) => void;
}

/** A source with settings of type S: those of its descriptor in `api/k8s/backend-source`. */
export interface EndpointSource<S = unknown> {
  /** The name of the descriptor. */
  readonly name: string;
  /**
   * Answers a question until the signal is aborted. Returns the reason if it must stop earlier, like a lost connection: it is called again
   * after a pause that grows from attempt to attempt, and starts anew after an answer. An exception is a bug.
   */
  readonly follow: (lookup: Lookup<S>) => Promise<SourceTrouble | null>;
}
