// Refusals of the API server, in the words of the admin API.
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import { isList, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { memberOf } from '#lib/json-value.ts';
import type { Result } from '#lib/result.ts';
import { changedMeanwhile, notFound, refuse, type AdminProblem } from '../../api/problem.ts';
import { hidesData } from '../hidden-data.ts';
import type { FieldConflict } from './applied-fields.ts';

/** Characters of a message of the API server, or of a webhook. */
const MAX_MESSAGE = 1_000;
/** Wrong fields of one refusal. */
const MAX_FIELDS = 50;
const RETRY_SECONDS = 5;

/** What was asked of the API server. */
export interface Asked {
  readonly verb: 'get' | 'list' | 'create' | 'patch' | 'update' | 'delete';
  readonly ref: ObjectRef;
}

/** An answer without success. `body`: a metav1.Status, or text of something in between. */
export interface Failure {
  readonly status: number;
  readonly body: unknown;
}

/** The refusal for an answer of the API server. */
export function clusterProblem({ verb, ref }: Asked, { status, body }: Failure): Result<never, AdminProblem> {
  if (status === 401) return away('it does not accept the credentials of the admin program');
  if (status === 403) return forbidden({ verb, ref }, body);
  if (status === 404) return missing(ref, body);
  if (status === 409) return conflict(ref, body);
  if (status === 413) return refuse(413, 'object-too-large', `${objectId(ref)} is too large for the API server`);
  if (status === 400 || status === 422) return notValid(ref, body);
  return away(messageOf(body) || `it answers ${status}`);
}

/** The refusal if the API server cannot be reached, or fails. */
export function away(reason: string): Result<never, AdminProblem> {
  const detail = `the API server of the cluster is away: ${quoted(reason)}`;
  return refuse(503, 'cluster-away', detail, { retryAfter: RETRY_SECONDS });
}

/** The refusal for fields of other managers. */
export function fieldConflict(ref: ObjectRef, conflicts: readonly FieldConflict[]): Result<never, AdminProblem> {
  const managers = [...new Set(conflicts.flatMap((each) => each.managers))].sort();
  const errors = conflicts.slice(0, MAX_FIELDS).map(({ field, managers: of }) => ({ field, reason: `belongs to ${of.join(', ')}` }));
  const detail = `the change sets or removes fields of ${objectId(ref)} that ${managers.join(', ')} has set; send force=true to take them over`;
  return refuse(409, 'field-conflict', detail, { errors, more: { managers } });
}

function forbidden({ verb, ref }: Asked, body: unknown): Result<never, AdminProblem> {
  const message = messageOf(body);
  // A webhook, a quota or the end of a namespace refuses in the same way as a missing right.
  if (!/ cannot \w+ resource /.test(message))
    return refuse(403, 'cluster-refused', `the API server refuses the change of ${objectId(ref)}: ${shownMessage(ref, message)}`);
  const { plural } = KINDS[ref.kind as KindName];
  const where = ref.namespace === '' ? '' : ` in the namespace ${ref.namespace}`;
  const detail = `the admin program may not ${verb} ${plural}${where}; give its ServiceAccount the right`;
  return refuse(403, 'cluster-forbidden', detail);
}

function missing(ref: ObjectRef, body: unknown): Result<never, AdminProblem> {
  const details = isObject(body as JsonValue) ? memberOf(body as JsonObject, 'details') : undefined;
  const { kind, name } = isObject(details) ? details : {};
  if (kind === 'namespaces' && ref.kind !== 'Namespace') return notFound('namespace', ref.namespace);
  if (name !== undefined) return notFound('object', objectId(ref));
  const { apiVersion, plural } = KINDS[ref.kind as KindName];
  return refuse(404, 'kind-not-installed', `the cluster has no ${plural} of ${apiVersion}; install their CustomResourceDefinition`);
}

function conflict(ref: ObjectRef, body: unknown): Result<never, AdminProblem> {
  const conflicts = causesOf(body).flatMap(({ reason, message, field }): readonly FieldConflict[] => {
    const [, manager] = /^conflict with "([^"]*)"/.exec(message) ?? [];
    return reason !== 'FieldManagerConflict' || manager === undefined ? [] : [{ field: field.replace(/^\./, ''), managers: [manager] }];
  });
  if (conflicts.length > 0) return fieldConflict(ref, conflicts);
  const { reason } = isObject(body as JsonValue) ? (body as JsonObject) : {};
  if (reason === 'AlreadyExists') return refuse(409, 'object-exists', `${objectId(ref)} exists already; replace or patch it`);
  // Preconditions, the version of the object among them.
  if (reason === 'Conflict') return changedMeanwhile('object', objectId(ref), '');
  return refuse(409, 'cluster-refused', `the API server refuses the change of ${objectId(ref)}: ${shownMessage(ref, messageOf(body))}`);
}

function notValid(ref: ObjectRef, body: unknown): Result<never, AdminProblem> {
  const errors = causesOf(body)
    .slice(0, MAX_FIELDS)
    .map(({ field, message }) => ({ field: field.replace(/^\./, ''), reason: shownMessage(ref, message) }));
  const detail = `the API server refuses ${objectId(ref)}: ${shownMessage(ref, messageOf(body))}`;
  return refuse(422, 'object-invalid', detail, errors.length === 0 ? {} : { errors });
}

interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

function causesOf(body: unknown): readonly Cause[] {
  const details = isObject(body as JsonValue) ? memberOf(body as JsonObject, 'details') : undefined;
  const causes = isObject(details) ? (details['causes'] ?? []) : [];
  const all = isList(causes) ? causes.filter((cause) => isObject(cause)) : [];
  return all.map(({ reason, message, field }) => ({ reason: text(reason), message: text(message), field: text(field) }));
}

function messageOf(body: unknown): string {
  return isObject(body as JsonValue) ? text((body as JsonObject)['message']) : '';
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A message about a Secret may quote its data. */
function shownMessage(ref: ObjectRef, message: string): string {
  return hidesData(ref) ? 'it is not valid, or not allowed' : quoted(message || 'it gives no reason');
}

/** In one line, and not longer than needed. */
function quoted(message: string): string {
  return message.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, MAX_MESSAGE);
}
