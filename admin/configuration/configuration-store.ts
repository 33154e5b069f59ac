// The configuration that operators read and change: the objects of a folder or of a cluster, behind one interface.
import type { ResourceKind } from '#api/ir/ir.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import type { LabelSelector } from '#api/k8s/k8s.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { JsonPatchStep } from '#lib/json-patch.ts';
import type { Result } from '#lib/result.ts';
import type { AdminProblem } from '../api/problem.ts';
import type { RequestLine } from '../compilation/effect-thread.ts';
import type { ChangeEffects } from '../compilation/effects.ts';
import type { Replay } from '../compilation/replay.ts';

/** The place of an object in a folder. */
export interface ObjectPlace {
  /** Relative to the folder. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** An object as its author wrote it. */
export interface StoredObject {
  readonly ref: ObjectRef;
  readonly object: JsonObject;
  /** Changes with each change of the object. */
  readonly etag: string;
  /** Null in a cluster. */
  readonly place: ObjectPlace | null;
}

/** Which objects of a kind to list. */
export interface ListQuery {
  /** Null: all namespaces. */
  readonly namespace: string | null;
  readonly selector: LabelSelector;
  readonly limit: number;
  /** `next` of the page before; null: the first page. */
  readonly cursor: string | null;
}

/** A page of objects, in the order of namespace and name. */
export interface ObjectPage {
  readonly items: readonly StoredObject[];
  readonly next: string | null;
}

/** A JSON merge patch (RFC 7386), or a JSON patch (RFC 6902). */
export type ObjectPatch = { readonly merge: JsonObject } | { readonly json: readonly JsonPatchStep[] };

/**
 * One change. `etag`: of the state that the author has seen; null: any state. `force`: it takes fields over from other programs that have set
 * them in the cluster; a folder has no such owners.
 */
export type ObjectChange = { readonly ref: ObjectRef } & (
  | { readonly operation: 'create'; readonly object: JsonObject }
  | { readonly operation: 'replace'; readonly object: JsonObject; readonly etag: string | null; readonly force?: boolean }
  | { readonly operation: 'patch'; readonly patch: ObjectPatch; readonly etag: string | null; readonly force?: boolean }
  | { readonly operation: 'delete'; readonly etag: string | null }
);

/** A change that was made, or would be made. */
export interface ChangedObject {
  readonly ref: ObjectRef;
  /** Null: it did not exist. */
  readonly before: StoredObject | null;
  /** Null: it does not exist any more. */
  readonly after: StoredObject | null;
}

/** A change of a set that is not possible. */
export interface RefusedChange {
  /** Its place in the set. */
  readonly index: number;
  readonly problem: AdminProblem;
}

/** What a dry run supposes and asks. */
export interface DryRunOptions {
  /** Changes to suppose before; those that are not possible are left out. */
  readonly base?: readonly ObjectChange[];
  /** Requests to send through the configuration before and after, the latest first. */
  readonly requests?: readonly RequestLine[];
  /** Kinds of resources of proxies to tell, as they are after the changes. */
  readonly kinds?: readonly ResourceKind[];
}

/** The effects of a set of changes. */
export interface DryRun {
  /** Those that are possible, in the order of the set. */
  readonly changes: readonly ChangedObject[];
  readonly refused: readonly RefusedChange[];
  /** Of all changes that are possible. */
  readonly effects: ChangeEffects;
  /** Of the requests; null if there were none to replay. */
  readonly replay: Replay | null;
  /** Of the kinds that were asked for, as JSON. */
  readonly resources: readonly string[];
}

/** An object that is in force. */
export interface ObservedObject {
  readonly ref: ObjectRef;
  /** Null: it is gone. */
  readonly stored: StoredObject | null;
  /** The field manager that has made the last change; '' if it is not known, as in a folder. */
  readonly manager: string;
}

/** Is told what is in force, whatever program has made it so. It returns at once. */
export interface ConfigurationObserver {
  /**
   * All objects of the kinds that are observed (null: of all): at first, and when changes may have been missed. An object of these kinds
   * that is not among them is gone.
   */
  synced(objects: readonly ObservedObject[], kinds: ReadonlySet<string> | null): void;
  /** Objects that have changed or gone since, in the order of their changes. */
  changed(objects: readonly ObservedObject[]): void;
}

/** Refusals are values: a changed object, an invalid object, an object of another owner. */
export interface ConfigurationStore {
  readonly origin: 'folder' | 'kubernetes';
  list(kind: KindName, query: ListQuery): Promise<Result<ObjectPage, AdminProblem>>;
  get(ref: ObjectRef): Promise<Result<StoredObject, AdminProblem>>;
  /** Makes one change, or none of it. */
  apply(change: ObjectChange): Promise<Result<ChangedObject, AdminProblem>>;
  /**
   * The effects of all these changes together. Changes nothing. A change that is not possible is told in `refused`; the error is for a
   * configuration that cannot be read or compiled.
   */
  dryRun(changes: readonly ObjectChange[], options?: DryRunOptions): Promise<Result<DryRun, AdminProblem>>;
  /**
   * Tells the observer all objects, and from then on each change, also those by other programs. The observer never sees an older state of
   * an object after a newer one, and `apply` resolves before or after the change is told. Returns the end of it.
   */
  observe(observer: ConfigurationObserver): () => Promise<void>;
  close(): Promise<void>;
}
