// The operations that read revisions: lists, single ones, differences.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { fieldDiff } from '#lib/field-diff.ts';
import { ok, type Result } from '#lib/result.ts';
import { adminOperation, reply, type AdminOperation, type Area, type Caller } from '../api/operation.ts';
import { pageOf, pageQuery } from '../api/page.ts';
import { invalid, refuse, type AdminProblem } from '../api/problem.ts';
import type { ChangeSets } from '../configuration/change-sets.ts';
import type { ConfigurationStore } from '../configuration/configuration-store.ts';
import { visibleEffects } from '../configuration/dry-run-operation.ts';
import type { DRY_RUN } from '../configuration/schemas.ts';
import { ROUTE_EXAMPLE, inNamespace } from '../configuration/object-paths.ts';
import { changeTo, versionInForce, type VersionInForce } from './rollback.ts';
import { rollbackOperations } from './rollback-operations.ts';
import type { ObjectState } from './revision.ts';
import type { RevisionContent, Revisions } from './revisions.ts';
import { filterOf, isSameObject, shownRevision, storeAnswer, visibleRevision } from './revision-input.ts';
import { DIFFERENCE, FILTER, REVISION, REVISION_WITH_OBJECT, revisionNumber } from './schemas.ts';

const CLOSED = { additionalProperties: false };
const PATH = Type.Object({ revision: revisionNumber }, CLOSED);
const UNKNOWN = { revision: Number.MAX_SAFE_INTEGER };
const HASH = 'c2a1'.repeat(16);
const EXAMPLE = {
  ...{ revision: 1, at: '2026-11-30T16:04:00.120Z', kind: 'HTTPRoute', namespace: 'storefront', name: 'cart', hash: HASH },
  ...{ origin: 'api' as const, actor: { kind: 'user' as const, id: 'u1', name: 'ana' }, reason: 'sale', requestId: 'b1946ac92492d234' },
};

/** The operations on revisions. */
export function revisionArea(revisions: Revisions, store: ConfigurationStore, sets: ChangeSets): Area {
  return {
    name: 'revisions',
    summary: 'Each version of the configuration that was in force: its author, its time and its reason; differences; rollback.',
    operations: [
      listOperation(revisions),
      getOperation(revisions),
      diffOperation(revisions, store),
      ...rollbackOperations(revisions, store, sets),
    ],
  };
}

function listOperation(revisions: Revisions): AdminOperation {
  return adminOperation({
    ...{ id: 'revisions.list', method: 'GET', path: '/revisions', tag: 'revisions', permission: 'revisions:read' },
    summary: 'List revisions, the newest first',
    description: 'Without a namespace the caller needs the permission in all namespaces.',
    namespaceOf: ({ query }) => (query.namespace === undefined ? null : inNamespace({ namespace: query.namespace })),
    query: pageQuery(FILTER),
    answer: pageOf(REVISION),
    problems: { 503: ['store-away'] },
    example: { query: { kind: 'HTTPRoute', limit: 10 }, answer: { items: [EXAMPLE], next: null } },
    async run({ query: { limit = 100, cursor, ...query } }) {
      const before = cursor === undefined ? null : Number(cursor);
      if (before !== null && !Number.isSafeInteger(before))
        return invalid([{ field: 'query.cursor', reason: 'must be the member next of a page' }]);
      const filter = filterOf(query);
      if (!filter.ok) return filter;
      await revisions.recorder.settle();
      const page = storeAnswer(await revisions.list(filter.value, before, limit));
      if (!page.ok) return page;
      const { items, next, head } = page.value;
      return reply({ items: items.map(shownRevision), next: next === null ? null : String(next) }, { etag: `revision-${head}` });
    },
  });
}

function getOperation(revisions: Revisions): AdminOperation {
  return adminOperation({
    ...{ id: 'revisions.get', method: 'GET', path: '/revisions/{revision}', tag: 'revisions', permission: 'revisions:read' },
    filtersNamespaces: true,
    summary: 'Read a revision with its object',
    params: PATH,
    answer: REVISION_WITH_OBJECT,
    problems: { 404: ['revision-unknown'], 503: ['store-away'] },
    example: { params: { revision: 1 }, answer: { ...EXAMPLE, object: ROUTE_EXAMPLE }, unknown: UNKNOWN },
    async run({ params }, { caller }) {
      const found = await visibleRevision(revisions, params.revision, caller, 'revisions:read');
      return found.ok ? reply({ ...shownRevision(found.value), object: found.value.content }) : found;
    },
  });
}

function diffOperation(revisions: Revisions, store: ConfigurationStore): AdminOperation {
  return adminOperation({
    ...{ id: 'revisions.diff', method: 'GET', path: '/revisions/{revision}/diff', tag: 'revisions', permission: 'revisions:read' },
    filtersNamespaces: true,
    summary: 'Compare a revision with another one, or with what is in force',
    description:
      'From the revision to the other: fields, and the effects by the compiler. To see what a rollback would do, make a dry run of it.',
    params: PATH,
    query: Type.Object(
      { to: Type.Optional({ ...revisionNumber, description: 'The other revision of the same object; by default what is in force.' }) },
      CLOSED,
    ),
    answer: DIFFERENCE,
    problems: {
      404: ['revision-unknown'],
      409: ['file-invalid'],
      422: ['revisions-of-two-objects'],
      503: ['store-away', 'cluster-away', 'compiler-busy', 'compiler-ended'],
    },
    example: {
      params: { revision: 1 },
      answer: { from: 1, to: null, fields: [{ path: 'metadata.labels.team', before: 'a', after: 'b' }], effects: null },
      unknown: UNKNOWN,
    },
    async run({ params, query }, { caller }) {
      const both = await compared(revisions, params.revision, query.to ?? null, caller);
      if (!both.ok) return both;
      const { from, to } = both.value;
      const current = await versionInForce(store, from.ref);
      if (!current.ok) return current;
      const target = to === null ? current.value.content : to.content;
      const fields = fieldDiff(from.content ?? undefined, target ?? undefined);
      const effects = await effectsBetween(store, current.value, from, target, caller);
      if (!effects.ok) return effects;
      // The schema has lists that may change.
      return reply(
        structuredClone({ from: from.revision, to: query.to ?? null, fields, effects: effects.value }) as Static<typeof DIFFERENCE>,
      );
    },
  });
}

/** The revisions of a difference; `to` null: what is in force. */
async function compared(
  revisions: Revisions,
  from: number,
  to: number | null,
  caller: Caller,
): Promise<Result<{ readonly from: RevisionContent; readonly to: RevisionContent | null }, AdminProblem>> {
  const first = await visibleRevision(revisions, from, caller, 'revisions:read');
  if (!first.ok || to === null) return first.ok ? ok({ from: first.value, to: null }) : first;
  const second = await visibleRevision(revisions, to, caller, 'revisions:read');
  if (!second.ok) return second;
  return isSameObject(first.value, second.value)
    ? ok({ from: first.value, to: second.value })
    : refuse(422, 'revisions-of-two-objects', `revisions ${from} and ${to} are of two objects`);
}

/** The effects of going from one version of an object to another; null: one of them is not possible. */
async function effectsBetween(
  store: ConfigurationStore,
  current: VersionInForce,
  from: ObjectState,
  to: ObjectState['content'],
  caller: Caller,
): Promise<Result<Omit<Static<typeof DRY_RUN>, 'objects'> | null, AdminProblem>> {
  const base = changeTo(from, current);
  if (!base.ok) return ok(null);
  const supposed = base.value === null ? current : { content: from.content, etag: null };
  const change = changeTo({ ref: from.ref, content: to }, supposed);
  if (!change.ok) return ok(null);
  const changes = change.value === null ? [] : [change.value];
  const tried = await store.dryRun(changes, { base: base.value === null ? [] : [base.value] });
  if (!tried.ok) return tried;
  if (tried.value.refused.length > 0) return ok(null);
  const { objects: _, ...effects } = visibleEffects(tried.value, changes, caller);
  return ok(effects);
}
