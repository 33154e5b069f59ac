// What a source of objects reports, whether it reads a cluster or a folder.
import type { KubernetesObject, ObjectRef } from '#api/k8s/object.ts';

/** A problem in what a source read: the object is left out (or its last good form kept), the rest is served. */
export interface SourceProblem {
  /** File path, or '' for a cluster. */
  readonly file: string;
  /** 1-based line in the file; 0 where there is none. */
  readonly line: number;
  /** `Kind/namespace/name`, or '' when not even that could be read. */
  readonly object: string;
  /** Path of the field, like `spec.rules[0].matches[1].path.value`; '' for the whole object. */
  readonly field: string;
  readonly reason: string;
  /** Objects (`Kind/namespace/name`) that stay in use in their last good form because of it; absent: none. */
  readonly kept?: readonly string[];
}

/** What one object is now. `unreadable`: it exists, nothing is known of it, and `reason` says why. */
export type Change =
  | { readonly type: 'upsert'; readonly object: KubernetesObject }
  | { readonly type: 'delete'; readonly ref: ObjectRef }
  | { readonly type: 'unreadable'; readonly ref: ObjectRef; readonly reason: string };

/** Who listens to a source. Changes given in one call belong together and must be compiled in one batch. */
export interface SourceListener {
  changed(changes: readonly Change[]): void;
  /** Everything that exists has been reported once. */
  synced(): void;
  /** Every problem there is now, whenever that changes. */
  problems(problems: readonly SourceProblem[]): void;
  /** The kinds of all documents that are for other programs, whenever that changes; '' is one that is no Kubernetes object. */
  skipped?(kinds: readonly string[]): void;
}

/** A source of objects: `start` begins to report and resolves once synced; `stop` ends it and resolves when nothing is left open. */
export interface Source {
  start(listener: SourceListener): Promise<void>;
  stop(): Promise<void>;
  /**
   * Of a source that reads Secrets only while they are referred to: from now on these (ids `Secret/<namespace>/<name>`) and no others
   * are. Null when what there is of them has been reported; otherwise resolves when it has been, be it as unreadable.
   */
  follow?(secrets: ReadonlySet<string>): Promise<void> | null;
}
