// The operation that tells which requests of the last hour a change would send elsewhere, before it is made.
import { Type, type Static } from '#lib/typebox.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { adminOperation, reply, type AdminOperation, type Area, type OperationContext } from '../api/operation.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { RequestLine } from '../compilation/effect-thread.ts';
import type { Replay } from '../compilation/replay.ts';
import type { ConfigurationStore } from '../configuration/configuration-store.ts';
import { changesOf, CHANGES_EXAMPLE, type GivenChange } from '../configuration/dry-run-operation.ts';
import { DRY_RUN_PROBLEMS, MAX_BODY_BYTES } from '../configuration/object-paths.ts';
import { CHANGE_SET } from '../configuration/schemas.ts';
import { gathered, type Live } from '../live/live.ts';

const CLOSED = { additionalProperties: false };
const COUNT = Type.Integer({ minimum: 0 });
const DESTINATION = Type.Object(
  {
    route: Type.String({ description: 'The rule; empty if none takes the request.' }),
    backends: Type.String({ description: 'Its clusters, with weights if there are several.' }),
    refusal: Type.String({ description: 'Why the proxy answers by itself; empty if a backend gets the request.' }),
  },
  CLOSED,
);
const EXAMPLE = Type.Object({ at: Type.String(), method: Type.String(), host: Type.String(), path: Type.String() }, CLOSED);
const WAY = Type.Object(
  {
    effect: Type.Enum(['other-rule', 'other-backends', 'refused', 'accepted']),
    ...{ before: DESTINATION, after: DESTINATION, requests: COUNT },
    consumers: Type.Record(Type.String(), COUNT, { description: 'Requests by Consumer.' }),
    examples: Type.Array(EXAMPLE, { description: 'The latest requests, without query and headers.' }),
  },
  CLOSED,
);
const IMPACT = Type.Object(
  {
    requests: Type.Integer({ minimum: 0, description: 'Lines of requests that proxies have kept.' }),
    replayed: COUNT,
    unknown: Type.Integer({ minimum: 0, description: 'Requests whose line lacks what decides, such as a header.' }),
    more: Type.Integer({ minimum: 0, description: 'Older requests that had no room in the answer of the controller.' }),
    effects: Type.Object({ same: COUNT, 'other-rule': COUNT, 'other-backends': COUNT, refused: COUNT, accepted: COUNT }, CLOSED),
    ways: Type.Array(WAY, { description: 'Requests that go elsewhere, by their way before and after, the most frequent first.' }),
    moreWays: COUNT,
    missing: Type.Array(Type.String(), { description: 'Proxies that did not tell their requests.' }),
  },
  CLOSED,
);

/** Ways in an answer. */
const MAX_WAYS = 100;
const DEADLINE_MS = 15_000;

/** The area with its one operation. */
export function impactArea(store: ConfigurationStore, live: Live): Area {
  return {
    name: 'impact',
    summary: 'The effects of a change on the requests of the last hour.',
    operations: [impactOperation(store, live)],
  };
}

const EXAMPLE_IMPACT = {
  body: CHANGES_EXAMPLE,
  answer: {
    ...{ requests: 412, replayed: 400, unknown: 12, more: 0, moreWays: 0, missing: [] },
    effects: { same: 388, 'other-rule': 0, 'other-backends': 0, refused: 12, accepted: 0 },
    ways: [
      {
        effect: 'refused' as const,
        before: { route: 'HTTPRoute/storefront/cart/0', backends: 'Service/storefront/cart/80', refusal: '' },
        after: { route: '', backends: '', refusal: 'no rule matches' },
        ...{ requests: 12, consumers: { 'storefront/mobile-app': 7 } },
        examples: [{ at: '2026-11-30T16:04:00.120Z', method: 'GET', host: 'shop.example.com', path: '/cart' }],
      },
    ],
  },
};

function impactOperation(store: ConfigurationStore, live: Live): AdminOperation {
  return adminOperation({
    id: 'impact.analyse',
    method: 'POST',
    path: '/impact',
    tag: 'impact',
    summary: 'Tell which requests of the last hour changes would send elsewhere or refuse',
    description:
      'Sends the requests that proxies have kept through the matcher of the configuration before and after the changes. By default proxies keep failed requests only (--recent-requests-all). The answer has requests of all namespaces, so the permission is needed in all of them.',
    permission: 'requests:read',
    audited: false,
    body: CHANGE_SET,
    maxBodyBytes: MAX_BODY_BYTES,
    answer: IMPACT,
    problems: { ...DRY_RUN_PROBLEMS, 503: [...DRY_RUN_PROBLEMS[503], 'answer-cut', 'controllers-away', 'controller-silent', 'part-away'] },
    example: EXAMPLE_IMPACT,
    async run({ body }, context) {
      const changes = changesOf(body.changes as readonly GivenChange[], context.caller);
      if (!changes.ok) return changes;
      const recent = await recentOf(live, context);
      if (!recent.ok) return recent;
      const { lines, more, missing } = recent.value;
      const done = await store.dryRun(changes.value, { requests: lines });
      if (!done.ok) return done;
      const { replay, refused } = done.value;
      if (refused[0] !== undefined) return err(refused[0].problem);
      if (replay === null) throw new Error('the requests were not replayed');
      return reply({ requests: lines.length, more, missing: [...missing], ...shown(replay) });
    },
  });
}

interface RecentLines {
  /** The latest first. */
  readonly lines: readonly RequestLine[];
  readonly more: number;
  readonly missing: readonly string[];
}

interface RecentAnswer {
  readonly lines?: readonly RequestLine[];
  readonly more?: number;
  readonly missing?: readonly { readonly proxy: string }[];
  readonly detail?: string;
}

async function recentOf(live: Live, { caller, signal }: OperationContext): Promise<Result<RecentLines, AdminProblem>> {
  const input = { filter: '', since: '1h' };
  const asked = await live.call({ operation: 'POST /proxies/recent', input, caller: caller.name, deadlineMs: DEADLINE_MS, signal });
  if (!asked.ok) return refuse(503, asked.error.code, asked.error.reason, { retryAfter: 2 });
  const whole = await gathered(asked.value);
  if (!whole.ok) return refuse(503, 'answer-cut', `the answer of the controller is not whole: ${whole.error}`, { retryAfter: 2 });
  const { lines = [], more = 0, missing = [], detail = '' } = whole.value as RecentAnswer;
  if (asked.value.status !== 200) return refuse(503, 'part-away', detail, { retryAfter: 2 });
  return ok({ lines: lines.toReversed(), more, missing: missing.map(({ proxy }) => proxy) });
}

function shown({ replayed: count, unknown, effects, ways }: Replay): Omit<Static<typeof IMPACT>, 'requests' | 'more' | 'missing'> {
  return {
    ...{ replayed: count, unknown, effects, moreWays: Math.max(0, ways.length - MAX_WAYS) },
    ways: ways.slice(0, MAX_WAYS).map(({ examples, ...way }) => ({
      ...way,
      examples: examples.map(({ at, method, host, path }) => ({ at: new Date(at).toISOString(), method, host, path })),
    })),
  };
}
