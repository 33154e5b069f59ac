// The reports of a source of objects, for clusters and folders alike.
import type { KubernetesObject, ObjectRef } from '#api/k8s/object.ts';
import type { AlertState, WantedAlerts } from './alerts.ts';
import type { WantedCertificate } from './certificates.ts';
import type { FoundEndpoints, WantedEndpoints } from './found.ts';

/** A problem in the input of a source. Other objects are not affected. */
export interface SourceProblem {
  /** `error`: the object is left out, or keeps its last good version. `warning`: the object is used. */
  readonly severity: 'error' | 'warning';
  /** File path, or '' for a cluster. */
  readonly file: string;
  /** 1-based line in the file; 0 if there is none. */
  readonly line: number;
  /** `Kind/namespace/name`, or '' if that could not be read. */
  readonly object: string;
  /** Path of the field, like `spec.rules[0].matches[1].path.value`; '' for the whole object. */
  readonly field: string;
  readonly reason: string;
  /** Objects (`Kind/namespace/name`) that keep their last good version because of the problem; absent means none. */
  readonly kept?: readonly string[];
}

/**
 * The new state of one object. `unreadable`: it exists, but its content is unknown for this `reason`. `found`: the answer of a source of
 * endpoints, whose `ref` is that of `foundRef`; null if it is not asked any more.
 * `alert state`: what became of a rule or a channel, whose `ref` is that of `alertStateRef`; null if it is not known any more.
 * `session keys`: those that proxies sign and verify sessions with, base64; the first one signs.
 */
export type Change =
  | { readonly type: 'upsert'; readonly object: KubernetesObject }
  | { readonly type: 'delete'; readonly ref: ObjectRef }
  | { readonly type: 'unreadable'; readonly ref: ObjectRef; readonly reason: string }
  | { readonly type: 'found'; readonly ref: ObjectRef; readonly found: FoundEndpoints | null }
  | { readonly type: 'alert state'; readonly ref: ObjectRef; readonly state: AlertState | null }
  | { readonly type: 'session keys'; readonly ref: ObjectRef; readonly keys: readonly string[] };

/** The name of an answer among objects, by the owner of the question. */
export function foundRef(owner: string): ObjectRef {
  return { kind: 'FoundEndpoints', namespace: '', name: owner };
}

/** The name of the keys of sessions among objects. */
export const SESSION_KEYS_REF: ObjectRef = { kind: 'SessionKeys', namespace: '', name: 'sessions' };

/** What compile needs from sources that answer on demand, by kind. Live views. */
export interface Wanted {
  /** Ids, `Secret/<namespace>/<name>`. */
  readonly Secret: ReadonlySet<string>;
  /** Ids, `ConfigMap/<namespace>/<name>`. */
  readonly ConfigMap: ReadonlySet<string>;
  /** By owner. */
  readonly FoundEndpoints: ReadonlyMap<string, WantedEndpoints>;
  /** Whether an object keeps sessions. */
  readonly SessionKeys: boolean;
  /** By the unit that wants them. */
  readonly Certificates: ReadonlyMap<string, readonly WantedCertificate[]>;
  /** Alert rules and channels, by the unit that hands them on. */
  readonly Alerts: ReadonlyMap<string, WantedAlerts>;
}

/** Receives the reports of a source. The changes of one call must be compiled in one batch. */
export interface SourceListener {
  changed(changes: readonly Change[]): void;
  /** Called once all existing objects have been reported. */
  synced(): void;
  /** Called with all current problems whenever they change. */
  problems(problems: readonly SourceProblem[]): void;
  /** Called with the kinds of all skipped documents whenever they change; '' is a document without a Kubernetes object. */
  skipped?(kinds: readonly string[]): void;
}

/** A source of objects. `start` begins to report and resolves once synced; `stop` ends that and resolves when all is closed. */
export interface Source {
  start(listener: SourceListener): Promise<void>;
  stop(): Promise<void>;
  /**
   * For a source that answers on demand: sets what is wanted from now on; a source takes the kinds that it has. Returns null if all of it
   * is reported already, otherwise a promise that resolves once it is. The source limits the wait: an object becomes unreadable, and
   * endpoints stay unknown until they are found.
   */
  want?(wanted: Wanted): Promise<unknown> | null;
}
