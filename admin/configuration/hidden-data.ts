// The data of Secrets never leaves the program: not in objects, differences, patches, refusals or the audit log.
import type { ObjectRef } from '#api/k8s/object.ts';
import { isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import type { JsonPatchStep } from '#lib/json-patch.ts';
import { memberOf } from '#lib/json-value.ts';
import type { Result } from '#lib/result.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import { objectId } from '#api/k8s/object.ts';

/** The members of a Secret with values to hide. */
const DATA = ['data', 'stringData'] as const;
/** The metadata of a Secret that is shown. Annotations may have its data: kubectl keeps the whole object in one. */
const SHOWN_METADATA = ['name', 'namespace', 'labels', 'uid', 'resourceVersion', 'generation', 'creationTimestamp'];
/** Steps that would compare a value, or put it where it can be read. */
const READING_STEPS: ReadonlySet<string> = new Set<JsonPatchStep['op']>(['test', 'copy', 'move']);
const KUBECTL_COPY = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether objects of the kind have data to hide. */
export function hidesData({ kind }: Pick<ObjectRef, 'kind'>): boolean {
  return kind === 'Secret';
}

/** The object as callers may see it. A Secret keeps its type and the names of its entries. */
export function shownObject(object: JsonObject): JsonObject {
  const metadata = memberOf(object, 'metadata');
  const known = isObject(metadata) ? metadata : {};
  if (!hidesData({ kind: String(object['kind']) })) return { ...object, metadata: withoutServerCopies(known) };
  const shown = Object.fromEntries(Object.entries(known).filter(([name]) => SHOWN_METADATA.includes(name)));
  const { apiVersion, kind, type } = object;
  return { apiVersion, kind, metadata: shown, ...(type === undefined ? {} : { type }) };
}

/** Managed fields, and the copy of the object that kubectl keeps, are larger than the object and say nothing new. */
function withoutServerCopies({ managedFields: _, ...metadata }: JsonObject): JsonObject {
  const annotations = memberOf(metadata, 'annotations');
  if (!isObject(annotations) || !Object.hasOwn(annotations, KUBECTL_COPY)) return metadata;
  const { [KUBECTL_COPY]: _copy, ...rest } = annotations;
  return { ...metadata, annotations: rest };
}

/** The annotations that callers do not see, so that an object that they send back lacks them. */
export function hiddenAnnotations(object: JsonObject): JsonObject {
  const metadata = memberOf(object, 'metadata');
  const annotations = isObject(metadata) ? memberOf(metadata, 'annotations') : undefined;
  if (!isObject(annotations)) return {};
  if (hidesData({ kind: String(object['kind']) })) return annotations;
  return Object.hasOwn(annotations, KUBECTL_COPY) ? { [KUBECTL_COPY]: annotations[KUBECTL_COPY] } : {};
}

/** The names of the entries of a Secret, sorted. */
export function entryNames(object: JsonObject): readonly string[] {
  const names = DATA.flatMap((member) => Object.keys(dataOf(object, member)));
  return [...new Set(names)].sort();
}

function dataOf(object: JsonObject, member: (typeof DATA)[number]): JsonObject {
  const data = memberOf(object, member);
  return isObject(data) ? data : {};
}

/** The object for a difference. Each entry of a Secret that the change gives counts as changed: equal values would confirm a guess. */
export function comparedObject(object: JsonObject | null, side: 'before' | 'after', given: ReadonlySet<string>): JsonValue | undefined {
  if (object === null) return undefined;
  const shown = shownObject(object);
  if (!hidesData({ kind: String(object['kind']) })) return shown;
  const entries = entryNames(object).map((name) => [name, given.has(name) ? `hidden (${side})` : 'hidden']);
  return { ...shown, data: Object.fromEntries(entries) as JsonObject };
}

/** The entries of a Secret that a value or a merge patch gives. */
export function givenEntries(value: JsonValue): ReadonlySet<string> {
  return new Set(isObject(value) ? DATA.flatMap((member) => Object.keys(dataOf(value, member))) : []);
}

/** The refusal of a JSON patch that would tell the data of a Secret; null if it tells nothing. */
export function refuseSecretPatch(ref: ObjectRef, steps: readonly JsonPatchStep[]): Result<never, AdminProblem> | null {
  const step = steps.findIndex(({ op }) => READING_STEPS.has(op));
  if (step === -1) return null;
  const detail = `step ${step} of the patch would tell the data of ${objectId(ref)}; use add, replace and remove`;
  return refuse(422, 'secret-unreadable', detail);
}
