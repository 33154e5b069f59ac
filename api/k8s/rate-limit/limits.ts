// The list `limits` of a RateLimitPolicy.
import { Type } from '#lib/typebox.ts';
import { CALENDAR_UNITS } from '#lib/limit/calendar.ts';
import { choice, claimName, count, duration, expression, fieldName, flag, group, ranges, size, statuses, text } from '../setting.ts';

const MAX_UNITS = 1_000_000_000;
const MAX_COST = 1_000_000;
/** Names that RateLimit can have as they are (RFC 9651 section 3.3.3). */
const NAME = '[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?';

const keyPart = Type.Object(
  {
    principal: choice('The authenticated caller.', ['id']),
    consumer: flag('The Consumer of the caller.'),
    claim: claimName('A claim of the caller.'),
    header: fieldName('A header of the request.'),
    cookie: text('A cookie of the request.', { maxLength: 256, form: "[A-Za-z0-9!#$%&'*+.^_`|~-]+" }),
    clientIP: group(
      'The address of the client behind trusted proxies, or else of the peer; addresses with the same beginning count together.',
      {
        ipv4: count('The length of the beginning of IPv4 addresses, bits; 32 by default.', { minimum: 8, maximum: 32 }),
        ipv6: count('The length of the beginning of IPv6 addresses, bits; 64 by default, as one client usually has so many.', {
          minimum: 16,
          maximum: 128,
        }),
      },
    ),
    path: flag('The path of the request, without its query.'),
    method: flag('The method of the request.'),
  },
  { additionalProperties: false, description: 'One part of the key.' },
);

const plan = Type.Object(
  {
    plan: Type.String({ minLength: 1, maxLength: 63, description: 'The plan of the Consumer of the caller.' }),
    requests: count('As requests.', { minimum: 1, maximum: MAX_UNITS }),
    burst: count('As burst.', { minimum: 1, maximum: MAX_UNITS }),
  },
  { additionalProperties: false, description: 'The limit for a plan.' },
);

const limit = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 63,
      pattern: `^${NAME}$`,
      description: 'The name of the limit in the headers of answers, logs and metrics.',
      '~must': 'letters, digits, dots, hyphens and underscores',
    }),
    key: Type.Optional(
      Type.Array(keyPart, {
        maxItems: 8,
        description:
          'The parts of requests that are counted apart: each combination has a count of its own. Requests without a part count together. Empty: all requests count together.',
      }),
    ),
    match: expression(
      'When the limit concerns a request: an expression in CEL that is true or false. If it has no value, as for a missing header, the limit concerns the request.',
    ),
    algorithm: choice(
      'SlidingWindow, the default: no stretch of the period has more requests. FixedWindow: periods of the clock. TokenBucket: a burst at once, then a steady rate. Quota: a unit of the calendar, in UTC. Concurrency: requests at the same time.',
      ['SlidingWindow', 'FixedWindow', 'TokenBucket', 'Quota', 'Concurrency'],
    ),
    requests: Type.Integer({
      minimum: 1,
      maximum: MAX_UNITS,
      description: 'The requests, or units of cost, in each period or at the same time.',
    }),
    per: duration('The period of SlidingWindow, FixedWindow and TokenBucket.'),
    every: choice('The period of Quota.', CALENDAR_UNITS),
    burst: count('The size of the bucket of TokenBucket; as many as requests by default.', { minimum: 1, maximum: MAX_UNITS }),
    cost: count('The units that a request takes; 1 by default. 0: only its answer counts.', { minimum: 0, maximum: MAX_COST }),
    answer: group('Units that the answer takes, also if too few are left: the next requests are refused then.', {
      statuses: statuses('Only answers with these statuses take units.'),
      cost: count('The units of each answer; 1 by default if neither header nor bytes is set, otherwise 0.', {
        minimum: 0,
        maximum: MAX_COST,
      }),
      header: fieldName('A header of the answer with the number of units.'),
      bytes: size('Each such number of bytes of the body, also if begun, takes a unit.', { minimum: 1 }),
    }),
    plans: Type.Optional(Type.Array(plan, { maxItems: 32, description: 'Other limits for callers whose Consumer has a plan.' })),
    exempt: group('Requests that the limit does not concern.', {
      consumers: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 253 }), { maxItems: 64, description: 'Names of Consumers, as NAMESPACE/NAME.' }),
      ),
      groups: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 253 }), { maxItems: 64, description: 'Groups of the caller.' }),
      ),
      addresses: ranges('Addresses of clients.'),
    }),
    store: choice(
      'Where requests are counted. Local, the default: in each proxy, together for its workers. Lease: for all proxies of the fleet together, with units that the controller lends. Redis: in the Redis of the proxies, together for all of them.',
      ['Local', 'Lease', 'Redis'],
    ),
    share: choice(
      'Of the store Local. Proxy, the default: each proxy lets the whole limit pass. Fleet: each proxy lets its share pass, the limit divided by the number of proxies that the controller sees, at least one request.',
      ['Proxy', 'Fleet'],
    ),
    onError: choice(
      'While Redis does not answer, or no controller lends for longer than 5 s. Open, the default: requests go on, with Lease by the share of the proxy. Closed: they are refused with 503.',
      ['Open', 'Closed'],
    ),
    shadow: flag('The limit refuses nothing, and only counts what it would refuse.'),
  },
  { additionalProperties: false, description: 'One limit.' },
);

export const limits = Type.Optional(
  Type.Array(limit, {
    minItems: 1,
    maxItems: 16,
    description: 'The limits; a request must pass all of them. A nearer policy replaces the whole list.',
  }),
);
