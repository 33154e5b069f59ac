// Pages of objects, in the order of namespace and name; a cursor is the name of the last object of a page.
import type { ObjectRef } from '#api/k8s/object.ts';
import { compareText } from '#lib/compare-text.ts';
import { ok, type Result } from '#lib/result.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';

/** The cursor after an object. */
function cursorOf({ namespace, name }: ObjectRef): string {
  return Buffer.from(`${namespace}/${name}`).toString('base64url');
}

/** The order of lists. */
function compareRefs(a: ObjectRef, b: ObjectRef): number {
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
}

/** A page of the names, which may be in any order. */
export function pageOf<T extends { readonly ref: ObjectRef }>(
  all: readonly T[],
  limit: number,
  cursor: string | null,
): Result<{ readonly items: readonly T[]; readonly next: string | null }, AdminProblem> {
  const after = cursor === null ? null : refOfCursor(cursor);
  if (after === undefined)
    return refuse(400, 'invalid-fields', 'the cursor is not one of this list', {
      errors: [{ field: 'query.cursor', reason: 'is not a cursor of this list' }],
    });
  const sorted = all.toSorted((a, b) => compareRefs(a.ref, b.ref));
  const start = after === null ? 0 : sorted.findIndex(({ ref }) => compareRefs(ref, after) > 0);
  const items = start === -1 ? [] : sorted.slice(start, start + limit);
  const last = items.at(-1);
  return ok({ items, next: last === undefined || last === sorted.at(-1) ? null : cursorOf(last.ref) });
}

function refOfCursor(cursor: string): ObjectRef | undefined {
  const match = /^([^/]*)\/([^/]+)$/.exec(Buffer.from(cursor, 'base64url').toString());
  const [, namespace, name] = match ?? [];
  return namespace === undefined || name === undefined ? undefined : { kind: '', namespace, name };
}
