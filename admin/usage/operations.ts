// The operations about the use of the API: calls by operation and caller, slow calls, unusual logins.
import { Type } from '#lib/typebox.ts';
import { adminOperation, reply, type AdminOperation, type Area } from '../api/operation.ts';
import { refuse } from '../api/problem.ts';
import { ANOMALIES, type LoginWatch } from './login-watch.ts';
import { SLOW_MS, type UsageRecorder } from './usage-recorder.ts';
import { KEPT_DAYS, type CallCounts } from './usage-table.ts';

const CLOSED = { additionalProperties: false };
const COUNT = Type.Integer({ minimum: 0 });
const ACTOR = Type.Object(
  { kind: Type.Enum(['user', 'token', 'serviceAccount', 'anonymous']), id: Type.String(), name: Type.String() },
  { ...CLOSED, description: 'A token has its own id, and the name of its owner.' },
);
const LIMIT = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'The largest number of items.' }));
const CALLS = Type.Object(
  {
    operation: Type.Union([Type.String(), Type.Null()], { description: 'Null: all of the caller.' }),
    actor: Type.Union([ACTOR, Type.Null()], { description: 'Null: all callers of the operation.' }),
    calls: COUNT,
    failures: Type.Integer({ minimum: 0, description: 'Calls with a status from 400 on.' }),
    meanMs: Type.Number(),
    maxMs: Type.Number(),
    lastUsed: Type.String(),
  },
  CLOSED,
);
const SLOW = Type.Object(
  { at: Type.String(), operation: Type.String(), status: Type.Integer(), ms: Type.Number(), requestId: Type.String(), actor: ACTOR },
  CLOSED,
);
const ANOMALY = Type.Object(
  {
    ...{ id: Type.String(), time: Type.String(), kind: Type.Enum([...ANOMALIES]), address: Type.String(), detail: Type.String() },
    user: Type.String({ description: 'Empty for a burst of refused logins: their names are not kept.' }),
  },
  CLOSED,
);
const AWAY = { 503: ['store-away'] } as const;
const TAG = { tag: 'usage', method: 'GET', permission: 'audit:read' } as const;
const EXAMPLE_ACTOR = { kind: 'user' as const, id: 'u1', name: 'bob' };

/** The operations about use. */
export function usageArea(recorder: UsageRecorder, logins: LoginWatch): Area {
  return {
    name: 'usage',
    summary: 'The use of the admin API: calls, slow calls, unusual logins.',
    operations: [callsOperation(recorder), slowOperation(recorder), anomaliesOperation(logins)],
  };
}

function callsOperation(recorder: UsageRecorder): AdminOperation {
  return adminOperation({
    ...{ ...TAG, id: 'usage.calls', path: '/usage/calls', summary: 'Add up calls of the last days by operation, caller, or both' },
    query: Type.Object(
      {
        by: Type.Optional(Type.Enum(['operation', 'actor', 'both'], { default: 'operation' })),
        days: Type.Optional(Type.Integer({ minimum: 1, maximum: KEPT_DAYS, default: 30, description: 'Days of UTC, with today.' })),
        actor: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, description: 'The name of the caller.' })),
        operation: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
        limit: LIMIT,
      },
      CLOSED,
    ),
    answer: Type.Object({ items: Type.Array(CALLS, { description: 'Those with the most calls first.' }) }, CLOSED),
    problems: AWAY,
    example: {
      query: { by: 'both', days: 7, actor: 'bob' },
      answer: {
        items: [
          {
            ...{ operation: 'configuration.patch', actor: EXAMPLE_ACTOR, calls: 12, failures: 1, meanMs: 14.5, maxMs: 61 },
            lastUsed: '2026-11-30T16:04:00.120Z',
          },
        ],
      },
    },
    async run({ query: { by = 'operation', days = 30, actor = null, operation = null, limit = 100 } }) {
      const found = await recorder.usage({ by, days, actor, operation, limit });
      if (!found.ok) return refuse(503, 'store-away', found.error, { retryAfter: 5 });
      return reply({ items: found.value.map(shownCalls) });
    },
  });
}

function shownCalls({ operation, actorKind, actorId, actorName, calls, failures, totalMs, maxMs, lastUsed }: CallCounts) {
  return {
    operation: operation === '' ? null : operation,
    actor: actorKind === '' ? null : { kind: actorKind as 'user', id: actorId, name: actorName },
    ...{ calls, failures, meanMs: Math.round(totalMs / calls), maxMs, lastUsed: new Date(lastUsed).toISOString() },
  };
}

function slowOperation(recorder: UsageRecorder): AdminOperation {
  return adminOperation({
    ...{ ...TAG, id: 'usage.slow', path: '/usage/slow-calls', summary: 'List the latest slow calls of this process' },
    description: `Calls of ${SLOW_MS / 1_000} s or longer, up to 200, the latest first. Answers that come in parts are not among them.`,
    query: Type.Object({ limit: LIMIT }, CLOSED),
    answer: Type.Object({ items: Type.Array(SLOW) }, CLOSED),
    example: {
      answer: {
        items: [
          {
            ...{ at: '2026-11-30T16:04:00.120Z', operation: 'audit.verify', status: 200, ms: 31_200, requestId: 'b1946ac92492d234' },
            actor: EXAMPLE_ACTOR,
          },
        ],
      },
    },
    run({ query: { limit = 100 } }) {
      const items = recorder.slowCalls.slice(0, limit).map(({ at, operation, status, ms, requestId, caller: { kind, id, name } }) => ({
        ...{ at: new Date(at).toISOString(), operation, status, ms: Math.round(ms), requestId },
        actor: { kind, id, name },
      }));
      return Promise.resolve(reply({ items }));
    },
  });
}

function anomaliesOperation(logins: LoginWatch): AdminOperation {
  return adminOperation({
    ...{ ...TAG, id: 'usage.anomalies', path: '/usage/login-anomalies', summary: 'List unusual logins, the latest first' },
    description:
      'new-place: the first login of a user from a network within 90 days. two-places: logins from two networks within ten minutes. failure-burst: ten refused logins from a network within five minutes.',
    query: Type.Object({ limit: LIMIT }, CLOSED),
    answer: Type.Object({ items: Type.Array(ANOMALY) }, CLOSED),
    problems: AWAY,
    example: {
      answer: {
        items: [
          {
            ...{ id: '5f0c7b1e-0d5b-4d55-9a53-0a2f6a1c2e11', time: '2026-11-30T16:04:00.120Z', kind: 'new-place', user: 'ana' },
            ...{ address: '198.51.100.7', detail: 'the first login of ana from 198.51.100.0/24 within 90 days' },
          },
        ],
      },
    },
    async run({ query: { limit = 100 } }) {
      const found = await logins.list(limit);
      if (!found.ok) return refuse(503, 'store-away', found.error, { retryAfter: 5 });
      return reply({ items: found.value.map((each) => ({ ...each, time: new Date(each.time).toISOString() })) });
    },
  });
}
