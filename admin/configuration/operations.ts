// The operations on configuration: one set for all kinds. Objects keep the form of their kind; a check of their fields is the compiler's.
import { Type, type Static } from '#lib/typebox.ts';
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { ok, type Result } from '#lib/result.ts';
import { adminOperation, reply, replyEmpty, type AdminOperation, type Area, type Caller, type OperationContext } from '../api/operation.ts';
import { pageQuery } from '../api/page.ts';
import { invalid, notFound, refuse, type AdminProblem } from '../api/problem.ts';
import type { JsonPatchStep } from '#lib/json-patch.ts';
import type { ChangedObject, ConfigurationStore, DryRun, ObjectChange, ObjectPatch, StoredObject } from './configuration-store.ts';
import { effectsIn } from './effects.ts';
import { entryNames, hidesData, shownObject } from './hidden-data.ts';
import { parseSelector } from './label-selector.ts';
import { fieldChanges } from './object-changes.ts';
import { MAX_OBJECT_BYTES, checkedRef } from './planned-change.ts';
import {
  CHANGE_SET,
  DRY_RUN,
  JSON_OBJECT,
  KIND_LIST,
  OBJECT,
  OBJECT_PAGE,
  OBJECT_PATH,
  PATCH,
  kindParameter,
  namespaceParameter,
} from './schemas.ts';

/** The namespace in paths of kinds without namespaces. */
const NO_NAMESPACE = '-';
/** Bytes of a body: an object, and the rest of the request. */
const MAX_BODY_BYTES = MAX_OBJECT_BYTES + 65_536;

interface ObjectPath {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

function inNamespace({ namespace }: Pick<ObjectPath, 'namespace'>): string | null {
  return namespace === NO_NAMESPACE ? null : namespace;
}

function checkedKind(kind: string): Result<KindName, AdminProblem> {
  return Object.hasOwn(KINDS, kind) ? ok(kind as KindName) : notFound('kind', kind);
}

function refOf(path: ObjectPath): Result<ObjectRef, AdminProblem> {
  const kind = checkedKind(path.kind);
  return kind.ok ? checkedRef(kind.value, path.namespace === NO_NAMESPACE ? '' : path.namespace, path.name) : kind;
}

/** `*` is any state (RFC 9110). */
function etagIn(ifMatch: string | null): string | null {
  return ifMatch === '*' ? null : ifMatch;
}

function shown({ ref, object, etag, place }: StoredObject) {
  const entries = hidesData(ref) ? { entries: [...entryNames(object)] } : {};
  return { object: shownObject(object), etag, place, ...entries };
}

/** Makes a change, and adds it to the audit log without the data of Secrets. */
async function applied(
  store: ConfigurationStore,
  change: ObjectChange,
  context: OperationContext,
): Promise<Result<ChangedObject, AdminProblem>> {
  const done = await store.apply(change);
  if (!done.ok) return done;
  const { ref, before, after } = done.value;
  const state = (stored: StoredObject | null): unknown => (stored === null ? null : shown(stored).object);
  context.changed({ object: objectId(ref), before: state(before), after: state(after) });
  return done;
}

/** The answer to a change that leaves an object. */
function afterwards({ after }: ChangedObject, location?: string) {
  if (after === null) throw new Error('the object of a change that is no deletion is gone');
  return reply(shown(after), { etag: after.etag, ...(location === undefined ? {} : { location }) });
}

const ROUTE_EXAMPLE: JsonObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'cart', namespace: 'storefront' },
  spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'cart', port: 80 }] }] },
};
const NEW_EXAMPLE: JsonObject = { ...ROUTE_EXAMPLE, metadata: { name: 'checkout', namespace: 'storefront' } };
const PATH_EXAMPLE = { kind: 'HTTPRoute', namespace: 'storefront', name: 'cart' };
const UNKNOWN_EXAMPLE = { kind: 'HTTPRoute', namespace: 'storefront', name: 'no-such-route' };
const SHOWN_EXAMPLE = { object: ROUTE_EXAMPLE, etag: 'KxW0u2mD3xgq6d0o5c1QvA', place: { file: 'shop.yaml', line: 12 } };
const CHANGE_PROBLEMS = {
  403: ['managed-by-gitops'],
  404: ['object-unknown'],
  409: ['file-changed', 'file-invalid', 'file-not-editable', 'file-outside', 'field-conflict'],
  412: ['changed-meanwhile'],
  413: ['object-too-large'],
  422: ['object-invalid', 'object-mismatch', 'patch-not-applicable', 'secret-incomplete', 'secret-unreadable'],
  503: ['folder-unwritable', 'cluster-away'],
} as const;

/** The operations on configuration. */
export function configurationArea(store: ConfigurationStore): Area {
  return {
    name: 'configuration',
    summary: 'The objects of all kinds that Weir reads: in the files of a folder, or in a cluster.',
    operations: [kinds(), list(store), get(store), create(store), replace(store), patch(store), remove(store), dryRun(store)],
  };
}

function kinds(): AdminOperation {
  const items = Object.values(KINDS).map(({ kind, apiVersion, namespaced }) => ({ kind, apiVersion, namespaced }));
  return adminOperation({
    id: 'configuration.kinds',
    method: 'GET',
    path: '/configuration',
    tag: 'configuration',
    summary: 'List the kinds of objects',
    permission: 'configuration:read',
    filtersNamespaces: true,
    answer: KIND_LIST,
    example: { answer: { items: items.slice(0, 1) } },
    run: () => Promise.resolve(reply({ items })),
  });
}

function list(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.list',
    method: 'GET',
    path: '/configuration/{kind}',
    tag: 'configuration',
    summary: 'List objects of a kind',
    description: 'Without a namespace the caller needs the permission in all namespaces. Secrets come without their data.',
    permission: 'configuration:read',
    namespaceOf: ({ query }) => query.namespace ?? null,
    params: Type.Object({ kind: kindParameter }, { additionalProperties: false }),
    query: pageQuery({
      namespace: Type.Optional(namespaceParameter),
      labelSelector: Type.Optional(Type.String({ maxLength: 1_024, description: 'In the words of kubectl: app=shop,tier!=db.' })),
    }),
    answer: OBJECT_PAGE,
    example: {
      params: { kind: 'HTTPRoute' },
      query: { namespace: 'storefront' },
      answer: { items: [SHOWN_EXAMPLE], next: null },
      unknown: { kind: 'NoSuchKind' },
    },
    async run({ params, query }) {
      const kind = checkedKind(params.kind);
      if (!kind.ok) return kind;
      const selector = parseSelector(query.labelSelector ?? '');
      if (!selector.ok) return invalid([{ field: 'query.labelSelector', reason: selector.error }]);
      const { namespace = null, limit = 100, cursor = null } = query;
      const page = await store.list(kind.value, { namespace, selector: selector.value, limit, cursor });
      return page.ok ? reply({ items: page.value.items.map(shown), next: page.value.next }) : page;
    },
  });
}

function get(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.get',
    method: 'GET',
    path: '/configuration/{kind}/{namespace}/{name}',
    tag: 'configuration',
    summary: 'Read an object',
    description: 'As its author wrote it. A Secret comes with the names of its entries, and without its data.',
    permission: 'configuration:read',
    namespaceOf: ({ params }) => inNamespace(params),
    params: OBJECT_PATH,
    answer: OBJECT,
    problems: { 404: ['object-unknown'], 409: ['file-invalid'] },
    example: { params: PATH_EXAMPLE, answer: SHOWN_EXAMPLE, unknown: UNKNOWN_EXAMPLE },
    async run({ params }) {
      const ref = refOf(params);
      if (!ref.ok) return ref;
      const stored = await store.get(ref.value);
      return stored.ok ? reply(shown(stored.value), { etag: stored.value.etag }) : stored;
    },
  });
}

function create(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.create',
    method: 'POST',
    path: '/configuration/{kind}/{namespace}',
    tag: 'configuration',
    summary: 'Create an object',
    description: 'In a folder it gets a file of its own.',
    permission: 'configuration:write',
    namespaceOf: ({ params }) => inNamespace(params),
    params: Type.Object({ kind: kindParameter, namespace: namespaceParameter }, { additionalProperties: false }),
    body: Type.Object({ object: JSON_OBJECT }, { additionalProperties: false }),
    maxBodyBytes: MAX_BODY_BYTES,
    status: 201,
    answer: OBJECT,
    problems: { ...CHANGE_PROBLEMS, 409: [...CHANGE_PROBLEMS[409], 'object-exists', 'file-exists'] },
    example: {
      params: { kind: 'HTTPRoute', namespace: 'storefront' },
      body: { object: NEW_EXAMPLE },
      answer: { ...SHOWN_EXAMPLE, object: NEW_EXAMPLE },
      unknown: { kind: 'NoSuchKind', namespace: 'storefront' },
    },
    async run({ params, body }, context) {
      const object = body.object as JsonObject;
      const name = (object['metadata'] as { readonly name?: unknown } | undefined)?.name;
      const ref = refOf({ ...params, name: typeof name === 'string' ? name : '' });
      if (!ref.ok) return ref;
      const done = await applied(store, { ref: ref.value, operation: 'create', object }, context);
      return done.ok ? afterwards(done.value, `/configuration/${params.kind}/${params.namespace}/${ref.value.name}`) : done;
    },
  });
}

function replace(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.replace',
    method: 'PUT',
    path: '/configuration/{kind}/{namespace}/{name}',
    tag: 'configuration',
    summary: 'Replace an object',
    description: 'If-Match: * replaces any state.',
    permission: 'configuration:write',
    namespaceOf: ({ params }) => inNamespace(params),
    precondition: 'required',
    params: OBJECT_PATH,
    body: Type.Object({ object: JSON_OBJECT }, { additionalProperties: false }),
    maxBodyBytes: MAX_BODY_BYTES,
    answer: OBJECT,
    problems: CHANGE_PROBLEMS,
    example: { params: PATH_EXAMPLE, body: { object: ROUTE_EXAMPLE }, answer: SHOWN_EXAMPLE, unknown: UNKNOWN_EXAMPLE },
    async run({ params, body, ifMatch }, context) {
      const ref = refOf(params);
      if (!ref.ok) return ref;
      const change: ObjectChange = { ref: ref.value, operation: 'replace', object: body.object as JsonObject, etag: etagIn(ifMatch) };
      const done = await applied(store, change, context);
      return done.ok ? afterwards(done.value) : done;
    },
  });
}

function patch(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.patch',
    method: 'PATCH',
    path: '/configuration/{kind}/{namespace}/{name}',
    tag: 'configuration',
    summary: 'Change some fields of an object',
    description: 'By a JSON merge patch (RFC 7386) or a JSON patch (RFC 6902). A JSON patch of a Secret only adds, replaces and removes.',
    permission: 'configuration:write',
    namespaceOf: ({ params }) => inNamespace(params),
    precondition: 'required',
    params: OBJECT_PATH,
    body: PATCH,
    maxBodyBytes: MAX_BODY_BYTES,
    answer: OBJECT,
    problems: CHANGE_PROBLEMS,
    example: {
      params: PATH_EXAMPLE,
      body: { merge: { metadata: { labels: { team: 'checkout' } } } },
      answer: SHOWN_EXAMPLE,
      unknown: UNKNOWN_EXAMPLE,
    },
    async run({ params, body, ifMatch }, context) {
      const ref = refOf(params);
      const given = patchOf(body);
      if (!ref.ok) return ref;
      if (!given.ok) return given;
      const change: ObjectChange = { ref: ref.value, operation: 'patch', patch: given.value, etag: etagIn(ifMatch) };
      const done = await applied(store, change, context);
      return done.ok ? afterwards(done.value) : done;
    },
  });
}

function remove(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.delete',
    method: 'DELETE',
    path: '/configuration/{kind}/{namespace}/{name}',
    tag: 'configuration',
    summary: 'Delete an object',
    permission: 'configuration:write',
    namespaceOf: ({ params }) => inNamespace(params),
    precondition: 'required',
    params: OBJECT_PATH,
    status: 204,
    answer: Type.Unsafe<undefined>({}),
    problems: CHANGE_PROBLEMS,
    example: { params: PATH_EXAMPLE, unknown: UNKNOWN_EXAMPLE },
    async run({ params, ifMatch }, context) {
      const ref = refOf(params);
      if (!ref.ok) return ref;
      const done = await applied(store, { ref: ref.value, operation: 'delete', etag: etagIn(ifMatch) }, context);
      return done.ok ? replyEmpty() : done;
    },
  });
}

/** The patch of a body: exactly one of its members. */
function patchOf({ merge, json }: { readonly merge?: unknown; readonly json?: unknown }): Result<ObjectPatch, AdminProblem> {
  if (merge !== undefined && json === undefined) return ok({ merge: merge as JsonObject });
  if (json !== undefined && merge === undefined) return ok({ json: json as JsonPatchStep[] });
  return invalid([{ field: 'body', reason: 'must have either merge or json' }]);
}

interface GivenChange extends ObjectPath {
  readonly operation: ObjectChange['operation'];
  readonly object?: unknown;
  readonly merge?: unknown;
  readonly json?: unknown;
  readonly etag?: string;
}

/** The changes of a body, all in namespaces that the caller may read. */
function changesOf(given: readonly GivenChange[], caller: Caller): Result<readonly ObjectChange[], AdminProblem> {
  const changes: ObjectChange[] = [];
  for (const [i, each] of given.entries()) {
    // A namespace in the body decides as one in the path would.
    if (!caller.may('configuration:read', inNamespace(each)))
      return refuse(
        403,
        'permission-needed',
        `change ${i} is in the namespace ${JSON.stringify(each.namespace)}, which the caller may not read`,
      );
    const change = changeOf(each, `body.changes[${i}]`);
    if (!change.ok) return change;
    changes.push(change.value);
  }
  return ok(changes);
}

function changeOf(given: GivenChange, field: string): Result<ObjectChange, AdminProblem> {
  const ref = refOf(given);
  if (!ref.ok) return ref;
  const { operation, object, etag = null } = given;
  if (operation === 'delete') return ok({ ref: ref.value, operation, etag });
  if (operation === 'patch') {
    const patch = patchOf(given);
    return patch.ok
      ? ok({ ref: ref.value, operation, patch: patch.value, etag })
      : invalid([{ field, reason: 'must have either merge or json' }]);
  }
  if (object === undefined) return invalid([{ field: `${field}.object`, reason: 'is required' }]);
  return ok({ ref: ref.value, operation, object: object as JsonObject, etag });
}

/** The effects that the caller may see. */
function visible({ changes, effects }: DryRun, given: readonly ObjectChange[], caller: Caller): Static<typeof DRY_RUN> {
  const objects = changes.map((changed, i) => fieldChanges(changed, given[i]));
  const seen = effectsIn(effects, (namespace) => caller.may('configuration:read', namespace === '' ? null : namespace));
  // The schema has lists that may change.
  return structuredClone({ objects, ...seen }) as Static<typeof DRY_RUN>;
}

const CHANGES_EXAMPLE = { changes: [{ operation: 'delete' as const, kind: 'HTTPRoute', namespace: 'storefront', name: 'cart' }] };
const OBJECTS_EXAMPLE = [{ ref: PATH_EXAMPLE, change: 'deleted' as const, fields: [{ path: 'metadata.labels.team', before: 'checkout' }] }];

function dryRun(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.dryRun',
    method: 'POST',
    path: '/dry-runs',
    tag: 'configuration',
    summary: 'Tell what changes would do',
    description:
      'All changes together, by the compiler of the controller: fields, routes and other resources of proxies, listeners, conditions, and problems that come and go. Effects on namespaces that the caller may not read are left out.',
    permission: 'configuration:read',
    filtersNamespaces: true,
    body: CHANGE_SET,
    maxBodyBytes: MAX_BODY_BYTES,
    answer: DRY_RUN,
    problems: CHANGE_PROBLEMS,
    example: {
      body: CHANGES_EXAMPLE,
      answer: { objects: OBJECTS_EXAMPLE, resources: [], listeners: ['storefront/edge/http'], conditions: [], problems: [], solved: [] },
    },
    async run({ body }, { caller }) {
      const changes = changesOf(body.changes as readonly GivenChange[], caller);
      if (!changes.ok) return changes;
      const done = await store.dryRun(changes.value);
      return done.ok ? reply(visible(done.value, changes.value, caller)) : done;
    },
  });
}
