// Reads and writes of single objects and pages at the API server. Refusals are values; a lost connection is one of them.
import { createHash } from 'node:crypto';
import { KINDS, type KindInfo, type KindName } from '#api/k8s/kinds.ts';
import type { LabelSelector } from '#api/k8s/k8s.ts';
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import { canonicalJson, isList, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { memberOf } from '#lib/json-value.ts';
import { ok, type Result } from '#lib/result.ts';
import type { ApiCall, ApiClient } from '../../../controller/watch/api-client.ts';
import { collectionPath, objectPath } from '../../../controller/watch/api-paths.ts';
import type { Place } from '../../../controller/watch/places.ts';
import { notFound, type AdminProblem } from '../../api/problem.ts';
import type { StoredObject } from '../configuration-store.ts';
import { hidesData } from '../hidden-data.ts';
import { authoredObject } from '../planned-change.ts';
import { away, clusterProblem, type Asked } from './cluster-problem.ts';
import { FIELD_MANAGER } from './field-owners.ts';

/** An object as the API server has it. */
export interface LiveObject extends StoredObject {
  /** With what the API server writes. */
  readonly raw: JsonObject;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** A part of a list. */
export interface LivePage {
  readonly items: readonly LiveObject[];
  /** Where the rest begins; '' without a rest. */
  readonly rest: string;
}

/** Which part of a list. */
export interface LiveQuery {
  readonly place: Place;
  readonly selector: string;
  readonly limit: number;
  readonly rest: string;
}

/** A write. `try`: the API server does everything but keep the result. */
export interface Write {
  readonly ref: ObjectRef;
  readonly try: boolean;
}

export class ClusterObjects {
  readonly #client: Pick<ApiClient, 'call'>;

  constructor(client: Pick<ApiClient, 'call'>) {
    this.#client = client;
  }

  async get(ref: ObjectRef): Promise<Result<LiveObject, AdminProblem>> {
    const body = await this.#ask({ verb: 'get', ref }, { method: 'GET', path: objectPath(ref) });
    if (body.ok) return ok(liveObject(ref, body.value));
    // A kind that the cluster does not know has no objects.
    return body.error.code === 'kind-not-installed' ? notFound('object', objectId(ref)) : body;
  }

  /** A page, in the order of the API server. */
  async list(kind: KindName, { place, selector, limit, rest }: LiveQuery): Promise<Result<LivePage, AdminProblem>> {
    const { namespace, fieldSelector } = place;
    const query = new URLSearchParams({ limit: String(limit) });
    if (fieldSelector !== '') query.set('fieldSelector', fieldSelector);
    if (selector !== '') query.set('labelSelector', selector);
    if (rest !== '') query.set('continue', rest);
    const ref = { kind, namespace, name: '' };
    const path = `${collectionPath(KINDS[kind], namespace)}?${query.toString()}`;
    const { status, body } = await this.#call({ method: 'GET', path });
    if (status === 404) return ok({ items: [], rest: '' });
    // After some minutes the state that the list began with is gone; the API server tells where to go on in the current one.
    const next = restOf(body);
    if (status === 410 && next !== '' && next !== rest) return this.list(kind, { place, selector, limit, rest: next });
    return status === 200 ? ok(pageOf(KINDS[kind], body)) : clusterProblem({ verb: 'list', ref }, { status, body });
  }

  create({ ref, try: isTry }: Write, object: JsonObject): Promise<Result<LiveObject, AdminProblem>> {
    const path = collectionPath(KINDS[ref.kind as KindName], ref.namespace) + query(isTry);
    return this.#changed({ verb: 'create', ref }, { method: 'POST', path, body: object });
  }

  /** Server-side apply. `force` takes fields over from other managers. */
  apply({ ref, try: isTry }: Write, configuration: JsonObject, force: boolean): Promise<Result<LiveObject, AdminProblem>> {
    const path = objectPath(ref) + query(isTry, { force: String(force) });
    const contentType = 'application/apply-patch+yaml';
    return this.#changed({ verb: 'patch', ref }, { method: 'PATCH', path, body: configuration, contentType });
  }

  update({ ref, try: isTry }: Write, object: JsonObject): Promise<Result<LiveObject, AdminProblem>> {
    return this.#changed({ verb: 'update', ref }, { method: 'PUT', path: objectPath(ref) + query(isTry), body: object });
  }

  /** Deletes the object in this very state. */
  async delete({ ref, try: isTry }: Write, { uid, resourceVersion }: LiveObject): Promise<Result<null, AdminProblem>> {
    const preconditions = isTry ? { uid } : { uid, resourceVersion };
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy: 'Background' };
    const body = isTry ? { ...options, dryRun: ['All'] } : options;
    const done = await this.#ask({ verb: 'delete', ref }, { method: 'DELETE', path: objectPath(ref), body });
    return done.ok ? ok(null) : done;
  }

  async #changed(asked: Asked, call: ApiCall): Promise<Result<LiveObject, AdminProblem>> {
    const body = await this.#ask(asked, call);
    return body.ok ? ok(liveObject(asked.ref, body.value)) : body;
  }

  async #ask(asked: Asked, call: ApiCall): Promise<Result<JsonObject, AdminProblem>> {
    const { status, body } = await this.#call(call);
    if (status < 200 || status > 299) return clusterProblem(asked, { status, body });
    return isObject(body as JsonValue) ? ok(body as JsonObject) : away('it does not answer in JSON');
  }

  async #call(call: ApiCall): Promise<{ readonly status: number; readonly body: unknown }> {
    try {
      return await this.#client.call(call);
    } catch (error) {
      const { message, cause } = error as Error;
      return { status: 0, body: { message: cause instanceof Error ? `${message}: ${cause.message}` : message } };
    }
  }
}

function query(isTry: boolean, more: Readonly<Record<string, string>> = {}): string {
  const parameters = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict', ...(isTry ? { dryRun: 'All' } : {}), ...more };
  return `?${new URLSearchParams(parameters).toString()}`;
}

/** An object of an answer. */
export function liveObject(ref: ObjectRef, raw: JsonObject): LiveObject {
  const metadata = memberOf(raw, 'metadata');
  const { uid, resourceVersion } = isObject(metadata) ? metadata : {};
  const object = authoredObject(raw);
  const version = { uid: String(uid), resourceVersion: String(resourceVersion) };
  return { ref, object, etag: etagIn(ref, object, version), place: null, raw, ...version };
}

/**
 * The same in all replicas, and not changed by a new status. That of a Secret is its version: a hash of its data would confirm a guess.
 */
function etagIn(ref: ObjectRef, object: JsonObject, { uid, resourceVersion }: Pick<LiveObject, 'uid' | 'resourceVersion'>): string {
  const content = hidesData(ref) ? resourceVersion : canonicalJson(object);
  return createHash('sha256').update(`${uid} ${content}`).digest('base64url').slice(0, 22);
}

function pageOf({ apiVersion, kind }: KindInfo, body: unknown): LivePage {
  const items = memberOf(body as JsonObject, 'items') ?? [];
  const objects = isList(items) ? items.filter((item) => isObject(item)) : [];
  return {
    // Entries of built-in kinds come without both.
    items: objects.map((item) => liveObject(refIn(kind, item), { apiVersion, kind, ...item })),
    rest: restOf(body),
  };
}

function refIn(kind: string, object: JsonObject): ObjectRef {
  const metadata = memberOf(object, 'metadata');
  const { name, namespace } = isObject(metadata) ? metadata : {};
  return { kind, namespace: typeof namespace === 'string' ? namespace : '', name: String(name) };
}

/** `metadata.continue` of a list, or of the refusal of one. */
function restOf(body: unknown): string {
  const metadata = isObject(body as JsonValue) ? memberOf(body as JsonObject, 'metadata') : undefined;
  const rest = isObject(metadata) ? metadata['continue'] : undefined;
  return typeof rest === 'string' ? rest : '';
}

/** A selector in the words of the API server. */
export function selectorText({ matchLabels, matchExpressions }: LabelSelector): string {
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [...Object.entries(matchLabels).map(([name, value]) => `${name}=${value}`), ...expressions].join(',');
}
