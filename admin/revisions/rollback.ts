// What a rollback has to do: the changes after which an earlier state is in force again, and what it cannot do.
import type { ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { equalJson } from '#lib/json-value.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { AdminProblem } from '../api/problem.ts';
import type { ChangeSet, RefusedObject } from '../configuration/change-sets.ts';
import type { ConfigurationStore, ObjectChange } from '../configuration/configuration-store.ts';
import { hidesData } from '../configuration/hidden-data.ts';
import { contentOf, type ObjectState } from './revision.ts';

/** The version of an object that is in force. */
export interface VersionInForce {
  /** Null: the object does not exist. */
  readonly content: JsonObject | null;
  /** Null: of any state. */
  readonly etag: string | null;
}

/** Plans the changes to the wanted states, in an order in which references do not dangle on the way. Nothing is changed. */
export async function planRollback(store: ConfigurationStore, wanted: readonly ObjectState[]): Promise<ChangeSet> {
  const changes: ObjectChange[] = [];
  const refused: RefusedObject[] = [];
  for (const state of wanted) {
    const current = await versionInForce(store, state.ref);
    const change = current.ok ? changeTo(state, current.value) : current;
    if (!change.ok) refused.push({ ref: state.ref, problem: change.error });
    else if (change.value !== null) changes.push(change.value);
  }
  return { changes: changes.toSorted((a, b) => orderOf(a) - orderOf(b)), refused };
}

/** Reads the version of an object that is in force. */
export async function versionInForce(store: ConfigurationStore, ref: ObjectRef): Promise<Result<VersionInForce, AdminProblem>> {
  const stored = await store.get(ref);
  if (stored.ok) return ok({ content: contentOf(stored.value.object), etag: stored.value.etag });
  return stored.error.code === 'object-unknown' ? ok({ content: null, etag: null }) : stored;
}

/** The change from the version in force to a wanted state; null: they are the same. */
export function changeTo({ ref, content }: ObjectState, current: VersionInForce): Result<ObjectChange | null, AdminProblem> {
  if (content === null) return ok(current.content === null ? null : { ref, operation: 'delete', etag: current.etag });
  if (hidesData(ref)) return err(secretNotKept(ref));
  if (current.content === null) return ok({ ref, operation: 'create', object: content });
  return ok(equalJson(current.content, content) ? null : { ref, operation: 'replace', object: content, etag: current.etag });
}

function secretNotKept({ namespace, name }: ObjectRef): AdminProblem {
  const detail = `revisions do not have the data of Secrets; write Secret/${namespace}/${name} anew, or restore a backup with its data`;
  return { status: 409, code: 'secret-not-kept', detail };
}

/** Kinds in the order in which they are made; other kinds come between the two lists. What is deleted goes in the opposite order. */
const EARLY_KINDS: readonly string[] = [
  ...['Namespace', 'ConfigMap', 'Secret', 'Service', 'EndpointSlice', 'GatewayParameters', 'GatewayClass', 'ReferenceGrant'],
];
const LATE_KINDS: readonly string[] = ['Gateway', 'ListenerSet', 'HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'];

/** The place of a change in the order. */
export function orderOf({ operation, ref: { kind } }: Pick<ObjectChange, 'operation' | 'ref'>): number {
  const late = LATE_KINDS.indexOf(kind);
  const early = EARLY_KINDS.indexOf(kind);
  const place = late >= 0 ? 100 + late : early >= 0 ? early : 50;
  return operation === 'delete' ? 1_000 - place : place;
}
