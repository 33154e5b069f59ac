// The operations about the audit log: its entries, the check of its chain, and exports.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import type { Result } from '#lib/result.ts';
import { adminOperation, reply, stream, type AdminOperation, type Area } from '../api/operation.ts';
import { pageOf, pageQuery } from '../api/page.ts';
import { invalid, notFound, refuse, type AdminProblem } from '../api/problem.ts';
import type { AuditLog } from './audit-log.ts';
import type { AuditEntry } from './entry.ts';
import type { AuditFilter } from './entry-search.ts';

const CLOSED = { additionalProperties: false };
const text = (description: string) => Type.String({ description });
const filterText = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, description }));
const filterTime = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 64, description }));
const place = Type.Object({ sequence: Type.Integer(), hash: text('Its SHA-256.') }, CLOSED);

const FILTER = {
  actor: filterText('The name of the author.'),
  actorId: filterText('The id of the author.'),
  operation: filterText('The id of the operation: users.update.'),
  object: filterText('A changed object, or a group of them: HTTPRoute/shop/cart, HTTPRoute/shop, user.'),
  namespace: filterText('The namespace in which the caller needed the permission.'),
  outcome: Type.Optional(Type.Enum(['success', 'refused', 'failed'])),
  requestId: filterText('The id of the request.'),
  since: filterTime('Stored at this time or later, RFC 3339.'),
  until: filterTime('Stored before this time, RFC 3339.'),
};
const FILTER_QUERY = Type.Object(FILTER, CLOSED);
type FilterQuery = Static<typeof FILTER_QUERY>;

const SUMMARY = {
  sequence: Type.Integer({ description: 'Its number in the log.' }),
  id: text('A UUID.'),
  time: text('When the operation ended, by the clock of the admin program.'),
  stored: text('When the entry was stored, by the clock of the store.'),
  requestId: text('The id of the request.'),
  operation: text('The id of the operation.'),
  path: text('The path of the request, without the query.'),
  actor: Type.Object(
    {
      kind: Type.Enum(['user', 'token', 'serviceAccount', 'anonymous', 'system'], { description: 'system: Weir itself.' }),
      ...{ id: text('Its id.'), name: text('Its name.') },
      session: Type.Union([Type.String(), Type.Null()], { description: 'The id of the session; null: none.' }),
    },
    CLOSED,
  ),
  address: text('The IP address of the caller.'),
  userAgent: text('The program of the caller.'),
  reason: text('Why, in the words of the caller.'),
  namespace: Type.Union([Type.String(), Type.Null()], {
    description: 'Where the caller needed the permission; null: everywhere, or nowhere.',
  }),
  outcome: Type.Enum(['success', 'refused', 'failed']),
  status: Type.Integer({ description: 'The status of the answer.' }),
  code: text('The code of the problem.'),
};
const ITEM = Type.Object({ ...SUMMARY, objects: Type.Array(Type.String(), { description: 'The changed objects.' }) }, CLOSED);
const CHANGE = Type.Object(
  {
    object: text('Its kind and name.'),
    before: Type.Unknown({ description: 'Without secrets; null: it did not exist.' }),
    after: Type.Unknown({ description: 'Without secrets; null: it does not exist any more.' }),
  },
  CLOSED,
);
const ENTRY = Type.Object(
  { ...SUMMARY, changes: Type.Array(CHANGE), previous: text('The hash of the entry before.'), hash: text('The hash of this entry.') },
  CLOSED,
);
const REPORT = Type.Object(
  {
    entries: Type.Integer({ description: 'The number of entries before a break.' }),
    first: Type.Union([Type.Integer(), Type.Null()], { description: 'The first entry.' }),
    last: place,
    removed: Type.Union([Type.Integer(), Type.Null()], { description: 'The last entry that retention has removed.' }),
    broken: Type.Union([
      Type.Object(
        { sequence: Type.Integer(), kind: Type.Enum(['changed', 'missing', 'misplaced']), reason: text('A sentence.') },
        { ...CLOSED, description: 'The first entry where the chain is broken.' },
      ),
      Type.Null(),
    ]),
  },
  CLOSED,
);

const HASH = 'c2a1'.repeat(16);
const EXAMPLE = {
  ...{ sequence: 1, id: '5f0c7b1e-0d5b-4d55-9a53-0a2f6a1c2e11', time: '2026-11-30T16:04:00.120Z', stored: '2026-11-30T16:04:00.121Z' },
  ...{ requestId: 'b1946ac92492d234', operation: 'users.update', path: '/api/v1/users/ana', address: '192.0.2.1', userAgent: 'curl/8' },
  actor: { kind: 'user' as const, id: 'u1', name: 'bob', session: null },
  ...{ reason: 'ana is on call', namespace: null, outcome: 'success' as const, status: 200, code: '' },
};
const PERMISSION = 'audit:read' as const;
const namespaceOf = ({ query }: { readonly query: FilterQuery }): string | null => query.namespace ?? null;
const BAD_QUERY = { 400: ['invalid-fields'], 503: ['store-away'] } as const;

/** The operations about the audit log. */
export function auditArea(log: AuditLog): Area {
  return {
    name: 'audit',
    summary: 'Entries of all operations that change something, in a chain of hashes.',
    operations: [listOperation(log), getOperation(log), verifyOperation(log), ...exportOperations(log)],
  };
}

function listOperation(log: AuditLog): AdminOperation {
  return adminOperation({
    ...{ id: 'audit.list', method: 'GET', path: '/audit/entries', tag: 'audit', permission: PERMISSION, namespaceOf, problems: BAD_QUERY },
    summary: 'List entries of the audit log, the newest first',
    description:
      'A page with a filter may have fewer entries than its limit, or none, and still have next: the search has looked at many entries.',
    query: pageQuery(FILTER),
    answer: pageOf(ITEM),
    example: { query: { actor: 'bob', limit: 10 }, answer: { items: [{ ...EXAMPLE, objects: ['user/ana'] }], next: null } },
    async run({ query: { limit = 100, cursor, ...query } }) {
      const before = cursor === undefined ? null : Number(cursor);
      if (before !== null && !Number.isSafeInteger(before))
        return invalid([{ field: 'query.cursor', reason: 'must be the member next of a page' }]);
      const filter = filterOf(query);
      if (!filter.ok) return filter;
      const page = stored(await log.list(filter.value, before, limit));
      if (!page.ok) return page;
      const { items, next } = page.value;
      return reply({ items: items.map(itemOf), next: next === null ? null : String(next) });
    },
  });
}

function getOperation(log: AuditLog): AdminOperation {
  return adminOperation({
    ...{ id: 'audit.get', method: 'GET', path: '/audit/entries/{sequence}', tag: 'audit', permission: PERMISSION },
    filtersNamespaces: true,
    summary: 'Read an entry of the audit log, with its changes',
    params: Type.Object({ sequence: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Its number.' }) }, CLOSED),
    answer: ENTRY,
    problems: { 404: ['audit-entry-unknown'], 503: ['store-away'] },
    example: {
      params: { sequence: 1 },
      answer: {
        ...EXAMPLE,
        changes: [{ object: 'user/ana', before: { role: 'viewer' }, after: { role: 'editor' } }],
        previous: HASH,
        hash: HASH,
      },
      unknown: { sequence: Number.MAX_SAFE_INTEGER },
    },
    async run({ params: { sequence } }, { caller }) {
      const entry = stored(await log.entry(sequence));
      if (!entry.ok) return entry;
      // An entry that the caller may not see does not exist for it.
      if (entry.value === null || !caller.may(PERMISSION, entry.value.namespace)) return notFound('audit entry', String(sequence));
      return reply({ ...entry.value, changes: [...entry.value.changes] });
    },
  });
}

function verifyOperation(log: AuditLog): AdminOperation {
  let isRunning = false;
  return adminOperation({
    ...{ id: 'audit.verify', method: 'POST', path: '/audit/verify', tag: 'audit', permission: PERMISSION },
    summary: 'Hold the audit log to its chain of hashes',
    description: 'Reads the whole log, about a minute for a million entries. One check runs at a time, and ends when its caller leaves.',
    maxSeconds: 900,
    answer: REPORT,
    problems: { 409: ['audit-check-running'], 503: ['store-away'] },
    example: { answer: { entries: 1, first: 1, last: { sequence: 1, hash: HASH }, removed: null, broken: null } },
    async run(_, { signal }) {
      if (isRunning) return refuse(409, 'audit-check-running', 'another check of the audit log runs; wait for its end');
      isRunning = true;
      const report = stored(await log.verify(new Map(), signal).finally(() => (isRunning = false)));
      return report.ok ? reply(report.value) : report;
    },
  });
}

function exportOperations(log: AuditLog): readonly AdminOperation[] {
  const common = { method: 'GET', tag: 'audit', permission: PERMISSION, namespaceOf, audited: true, query: FILTER_QUERY } as const;
  const rest = { ...common, problems: BAD_QUERY, example: { query: { actor: 'bob' } } };
  return [
    adminOperation({
      ...{ ...rest, id: 'audit.export', path: '/audit/export', streams: 'application/x-ndjson', answer: Type.String() },
      summary: 'Export the audit log as lines of canonical JSON',
      description: 'Without a filter, weir audit verify can verify it.',
      run({ query }) {
        const filter = filterOf(query);
        return Promise.resolve(filter.ok ? stream(log.exportJson(filter.value)) : filter);
      },
    }),
    adminOperation({
      ...{ ...rest, id: 'audit.export-csv', path: '/audit/export.csv', streams: 'text/csv', answer: Type.String() },
      summary: 'Export the audit log as CSV for spreadsheets',
      run({ query }) {
        const filter = filterOf(query);
        return Promise.resolve(filter.ok ? stream(log.exportCsv(filter.value)) : filter);
      },
    }),
  ];
}

function filterOf({ since, until, ...rest }: FilterQuery): Result<AuditFilter, AdminProblem> {
  const times = Object.entries({ since, until }).filter(([, time]) => time !== undefined);
  const wrong = times.filter(([, time]) => Number.isNaN(Date.parse(String(time))));
  if (wrong.length > 0) {
    return invalid(wrong.map(([name]) => ({ field: `query.${name}`, reason: 'must be a time like 2026-11-30T16:04:00Z' })));
  }
  return { ok: true, value: { ...rest, ...Object.fromEntries(times.map(([name, time]) => [name, Date.parse(String(time))])) } };
}

function itemOf({ changes, previous: _, hash: __, ...rest }: AuditEntry) {
  return { ...rest, objects: changes.map(({ object }) => object) };
}

function stored<T>(result: Result<T>): Result<T, AdminProblem> {
  return result.ok ? result : refuse(503, 'store-away', result.error, { retryAfter: 5 });
}
