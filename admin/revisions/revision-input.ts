// What the operations on revisions share: filters of queries, and revisions as callers may see them.
import { err, ok, type Result } from '#lib/result.ts';
import type { Caller } from '../api/operation.ts';
import type { Permission } from '../api/permissions.ts';
import { invalid, notFound, type AdminProblem } from '../api/problem.ts';
import type { Revision } from './revision.ts';
import type { RevisionFilter } from './revision-table.ts';
import type { RevisionContent, Revisions } from './revisions.ts';

/** The members of a query by FILTER. */
interface FilterQuery {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly actor?: string;
  readonly origin?: string;
  readonly since?: string;
  readonly until?: string;
}

/** The filter of a query. */
export function filterOf({ since, until, namespace, ...rest }: FilterQuery): Result<RevisionFilter, AdminProblem> {
  const times = { since: timeOf('query.since', since), until: timeOf('query.until', until) };
  for (const time of Object.values(times)) if (!time.ok) return time;
  const given = Object.entries({ since: times.since, until: times.until }).flatMap(([name, time]) =>
    time.ok && time.value !== undefined ? [[name, time.value]] : [],
  );
  return ok({
    ...rest,
    ...(namespace === undefined ? {} : { namespace: namespace === '-' ? '' : namespace }),
    ...Object.fromEntries(given),
  });
}

/** A time in milliseconds since the epoch; undefined without one. */
export function timeOf(field: string, text: string | undefined): Result<number | undefined, AdminProblem> {
  if (text === undefined) return ok(undefined);
  const time = Date.parse(text);
  return Number.isNaN(time) ? invalid([{ field, reason: 'must be a time like 2026-11-30T16:04:00Z' }]) : ok(time);
}

/** A revision that the caller may see; one in another namespace does not exist for it. */
export async function visibleRevision(
  revisions: Revisions,
  revision: number,
  caller: Caller,
  permission: Permission,
): Promise<Result<RevisionContent, AdminProblem>> {
  const found = storeAnswer(await revisions.get(revision));
  if (!found.ok) return found;
  const isVisible = found.value !== null && mayIn(caller, permission, found.value.ref.namespace);
  return found.value !== null && isVisible ? ok(found.value) : notFound('revision', String(revision));
}

/** Whether the caller has a permission in the namespace of an object; '' is that of objects without one. */
export function mayIn(caller: Caller, permission: Permission, namespace: string): boolean {
  return caller.may(permission, namespace === '' ? null : namespace);
}

/** A revision as callers see it, without its content. */
export function shownRevision({ ref, at, revision, hash, origin, actor, reason, requestId }: Revision) {
  return { revision, at: new Date(at).toISOString(), ...ref, hash, origin, actor, reason, requestId };
}

export function isSameObject({ ref: a }: Revision, { ref: b }: Revision): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

/** The answer of the store, or the refusal while it is away. */
export function storeAnswer<T>(result: Result<T>): Result<T, AdminProblem> {
  return result.ok ? result : err(storeAway(result.error));
}

function storeAway(reason: string): AdminProblem {
  return { status: 503, code: 'store-away', detail: reason, retryAfter: 5 };
}
