// The operations that change objects.
import { Type, type Static } from '#lib/typebox.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { adminOperation, reply, replyEmpty, type AdminOperation } from '../api/operation.ts';
import type { ChangedObject, ObjectChange } from './configuration-store.ts';
import type { ConfigurationWriter } from './configuration-writer.ts';
import {
  CHANGE_PROBLEMS,
  MAX_BODY_BYTES,
  PATH_EXAMPLE,
  ROUTE_EXAMPLE,
  SHOWN_EXAMPLE,
  UNKNOWN_EXAMPLE,
  inNamespace,
  patchOf,
  refOf,
  shown,
} from './object-paths.ts';
import { FORCE, JSON_OBJECT, OBJECT, OBJECT_PATH, PATCH, kindParameter, namespaceParameter } from './schemas.ts';

const NEW_EXAMPLE: JsonObject = { ...ROUTE_EXAMPLE, metadata: { name: 'checkout', namespace: 'storefront' } };

/** `*` is any state (RFC 9110). */
function etagIn(ifMatch: string | null): string | null {
  return ifMatch === '*' ? null : ifMatch;
}

const FORCED = Type.Object({ force: FORCE }, { additionalProperties: false });

function conditions(
  ifMatch: string | null,
  { force = false }: Static<typeof FORCED>,
): { readonly etag: string | null; readonly force: boolean } {
  return { etag: etagIn(ifMatch), force };
}

/** The answer to a change that leaves an object. */
function afterwards({ after }: ChangedObject, location?: string) {
  if (after === null) throw new Error('the object of a change that is no deletion is gone');
  return reply(shown(after), { etag: after.etag, ...(location === undefined ? {} : { location }) });
}

/** The operations that change one object. */
export function changeOperations(writer: ConfigurationWriter): readonly AdminOperation[] {
  return [create(writer), replace(writer), patch(writer), remove(writer)];
}

function create(writer: ConfigurationWriter): AdminOperation {
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
      const done = await writer.apply({ ref: ref.value, operation: 'create', object }, context);
      return done.ok ? afterwards(done.value, `/configuration/${params.kind}/${params.namespace}/${ref.value.name}`) : done;
    },
  });
}

function replace(writer: ConfigurationWriter): AdminOperation {
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
    query: FORCED,
    body: Type.Object({ object: JSON_OBJECT }, { additionalProperties: false }),
    maxBodyBytes: MAX_BODY_BYTES,
    answer: OBJECT,
    problems: CHANGE_PROBLEMS,
    example: { params: PATH_EXAMPLE, body: { object: ROUTE_EXAMPLE }, answer: SHOWN_EXAMPLE, unknown: UNKNOWN_EXAMPLE },
    async run({ params, query, body, ifMatch }, context) {
      const ref = refOf(params);
      if (!ref.ok) return ref;
      const change: ObjectChange = {
        ref: ref.value,
        operation: 'replace',
        object: body.object as JsonObject,
        ...conditions(ifMatch, query),
      };
      const done = await writer.apply(change, context);
      return done.ok ? afterwards(done.value) : done;
    },
  });
}

function patch(writer: ConfigurationWriter): AdminOperation {
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
    query: FORCED,
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
    async run({ params, query, body, ifMatch }, context) {
      const ref = refOf(params);
      const given = patchOf(body);
      if (!ref.ok) return ref;
      if (!given.ok) return given;
      const change: ObjectChange = { ref: ref.value, operation: 'patch', patch: given.value, ...conditions(ifMatch, query) };
      const done = await writer.apply(change, context);
      return done.ok ? afterwards(done.value) : done;
    },
  });
}

function remove(writer: ConfigurationWriter): AdminOperation {
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
      const done = await writer.apply({ ref: ref.value, operation: 'delete', etag: etagIn(ifMatch) }, context);
      return done.ok ? replyEmpty() : done;
    },
  });
}
