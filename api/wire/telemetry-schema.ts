// Checks messages of the telemetry stream: the loader knows their types, this their limits. An error has the path of its field, like
// `report.endpoints[3].failures[0].code`. Unknown words and members belong to a later release and are allowed.
import type { ValidateFunction } from 'ajv';
import { compiledLater, ownSchemas } from '#lib/json-schema.ts';
import { Type } from '#lib/typebox.ts';
import type { TSchema } from '#lib/typebox.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { DURATION_BUCKETS } from '#lib/histogram.ts';
import type { FieldError } from '../k8s/field-error.ts';
import { describeSchemaError } from '../k8s/schema-error.ts';
import {
  MAX_ASKS,
  MAX_BLOCKS,
  MAX_CHUNK_BYTES,
  MAX_CLOSE_REASON,
  MAX_CODES,
  MAX_ENTRIES,
  MAX_ERROR_ENTRIES,
  MAX_ERROR_SAMPLES,
  MAX_INTERVAL_MS,
  MAX_KEY,
  MAX_CACHE_SUBJECT,
  MAX_LISTED_ANSWERS,
  MAX_LISTED_CONNECTIONS,
  MAX_LISTED_KEYS,
  MAX_NAME,
  MAX_OVERRIDES,
  MAX_PROFILE_MS,
  MAX_REASON,
  MAX_RECENT_LINES,
  MAX_RECENT_MS,
  MAX_SAMPLE_HEADERS,
  MAX_SAMPLE_TEXT,
  MAX_SHOWN_KEY,
  MAX_TAIL_MS,
  MAX_TAIL_RATE,
  MAX_TOPIC_DATA,
  MAX_UNITS,
  TOPIC_NAME,
  MAX_WARM_CONCURRENCY,
  MAX_WARM_HEADERS,
  MAX_WARM_RATE,
  MAX_WARMED_URLS,
  MIN_INTERVAL_MS,
} from './telemetry-limits.ts';
import type { FromProxy, ToProxy } from './telemetry-messages.ts';

const Name = Type.String({ maxLength: MAX_NAME });
const Known = Type.String({ minLength: 1, maxLength: MAX_NAME });
const Whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Amount = Type.Number({ minimum: 0 });
const Counts = Type.Array(Type.Object({ code: Known, count: Whole }), { maxItems: MAX_CODES });
const Durations = orNull(Type.Object({ buckets: Type.Array(Whole, { maxItems: DURATION_BUCKETS }), sumMs: Amount }));

const Hello = Type.Object({
  nodeId: Known,
  weirVersion: Name,
  instance: Known,
  workers: Whole,
  commands: Type.Array(Known, { maxItems: MAX_CODES }),
  unconfirmed: Type.Optional(Whole),
});

const Gauges = Type.Object({
  memory: Whole,
  lagMs: Amount,
  connections: Whole,
  requests: Whole,
  workers: Whole,
  draining: Type.Boolean(),
  uptimeMs: Whole,
});

const Endpoint = Type.Object({
  backend: Known,
  endpoint: Known,
  requests: Whole,
  failures: Counts,
  serverErrors: Whole,
  connectFailures: Whole,
  firstByteSumMs: Amount,
  firstBytes: Whole,
});

const Address = Type.Object({
  endpoint: Known,
  inFlight: Whole,
  connections: Whole,
  states: Type.Array(Type.Object({ reason: Known, ageMs: Whole }), { maxItems: MAX_CODES }),
});

const SampleText = Type.String({ maxLength: MAX_SAMPLE_TEXT });
const Sample = Type.Object({
  ...{ at: Whole, method: SampleText, authority: SampleText, path: SampleText, status: Whole, requestId: SampleText },
  ...{ traceId: SampleText, client: SampleText, endpoint: SampleText, attempts: Whole, detail: SampleText },
  headers: Type.Array(SampleText, { maxItems: 2 * MAX_SAMPLE_HEADERS }),
});

const Report = Type.Object({
  sequence: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  fresh: Type.Boolean(),
  revision: Name,
  gauges: orNull(Gauges),
  backends: Type.Array(Type.Object({ backend: Known, firstByte: Durations, breaker: Name }), { maxItems: MAX_ENTRIES }),
  endpoints: Type.Array(Endpoint, { maxItems: MAX_ENTRIES }),
  routes: Type.Array(
    Type.Object({
      route: Known,
      requests: Whole,
      classes: Type.Array(Whole, { maxItems: 5 }),
      errors: Counts,
      duration: Durations,
      requestBytes: Type.Optional(Whole),
      responseBytes: Type.Optional(Whole),
    }),
    { maxItems: MAX_ENTRIES },
  ),
  addresses: Type.Array(Address, { maxItems: MAX_ENTRIES }),
  gone: Type.Array(Type.Object({ kind: Known, name: Known, endpoint: Name }), { maxItems: MAX_ENTRIES }),
  waiting: Whole,
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        ...{ code: Known, route: Name, backend: Name, cause: Name, count: Whole },
        samples: Type.Array(Sample, { maxItems: MAX_ERROR_SAMPLES }),
      }),
      { maxItems: MAX_ERROR_ENTRIES },
    ),
  ),
});

const Answer = Type.Object({ id: Whole, outcome: Known, reason: Type.String({ maxLength: MAX_REASON }) });
const Override = Type.Object({
  ...{ kind: Known, backend: Name, endpoint: Name, state: Known },
  reason: Type.Optional(Type.String({ maxLength: MAX_REASON })),
  until: Type.Optional(Whole),
});

const Welcome = Type.Object({
  sequence: Whole,
  intervalMs: Type.Integer({ minimum: MIN_INTERVAL_MS, maximum: MAX_INTERVAL_MS }),
  overrides: Type.Array(Override, { maxItems: 2 * MAX_OVERRIDES }),
  overridesComplete: Type.Boolean(),
  countedElsewhere: Type.Optional(Whole),
});

const CONNECTION_FILTER = { id: Name, route: Name, principal: Name, source: Name, kind: Name };

/** Of the cache. */
const Subject = Type.String({ maxLength: MAX_CACHE_SUBJECT });

const Command = Type.Object({
  id: Whole,
  deadlineMs: Whole,
  logLevel: Type.Optional(Type.Object({ level: Known })),
  componentLogLevel: Type.Optional(Type.Object({ component: Known, level: Known })),
  tail: Type.Optional(
    Type.Object({
      filter: Type.String({ maxLength: 4_096 }),
      durationMs: Type.Integer({ minimum: 1, maximum: MAX_TAIL_MS }),
      rate: Type.Integer({ minimum: 1, maximum: MAX_TAIL_RATE }),
      worker: Name,
    }),
  ),
  recentRequests: Type.Optional(
    Type.Object({
      filter: Type.String({ maxLength: 4_096 }),
      ageMs: Type.Integer({ minimum: 1, maximum: MAX_RECENT_MS }),
      id: Name,
      top: Type.Integer({ minimum: 1, maximum: MAX_RECENT_LINES }),
    }),
  ),
  cpuProfile: Type.Optional(Type.Object({ durationMs: Type.Integer({ minimum: 1, maximum: MAX_PROFILE_MS }), worker: Name })),
  heapSnapshot: Type.Optional(Type.Object({ worker: Name })),
  override: Type.Optional(Override),
  limits: Type.Optional(Type.Object({ limit: Name, top: Type.Integer({ minimum: 1, maximum: MAX_LISTED_KEYS }) })),
  resetLimit: Type.Optional(Type.Object({ limit: Known, key: Type.String({ maxLength: MAX_SHOWN_KEY }), whole: Type.Boolean() })),
  grpcMethods: Type.Optional(Type.Object({ backend: Type.String({ maxLength: 512 }) })),
  purgeCache: Type.Optional(Type.Object({ by: Type.Enum(['url', 'prefix', 'tag', 'all']), value: Subject })),
  storedAnswers: Type.Optional(
    Type.Object({
      ...{ url: Subject, prefix: Subject, tag: Subject, route: Name },
      top: Type.Integer({ minimum: 1, maximum: MAX_LISTED_ANSWERS }),
    }),
  ),
  warmCache: Type.Optional(
    Type.Object({
      urls: Type.Array(Subject, { maxItems: MAX_WARMED_URLS }),
      headers: Type.Array(Subject, { maxItems: 2 * MAX_WARM_HEADERS }),
      port: Type.Integer({ minimum: 0, maximum: 65_535 }),
      concurrency: Type.Integer({ minimum: 1, maximum: MAX_WARM_CONCURRENCY }),
      rate: Type.Integer({ minimum: 1, maximum: MAX_WARM_RATE }),
    }),
  ),
  connections: Type.Optional(Type.Object({ ...CONNECTION_FILTER, top: Type.Integer({ minimum: 1, maximum: MAX_LISTED_CONNECTIONS }) })),
  closeConnections: Type.Optional(
    Type.Object({
      ...CONNECTION_FILTER,
      code: Type.Integer({ minimum: 1_000, maximum: 4_999 }),
      reason: Type.String({ maxLength: MAX_CLOSE_REASON }),
    }),
  ),
  plugins: Type.Optional(Type.Object({})),
  publishTopic: Type.Optional(
    Type.Object({
      hub: Type.String({ minLength: 1, maxLength: 512 }),
      topic: Type.String({ pattern: TOPIC_NAME }),
      data: Type.String({ minLength: 1, maxLength: MAX_TOPIC_DATA }),
      place: Type.Enum(['Memory', 'Redis']),
      messages: Type.Integer({ minimum: 0, maximum: MAX_UNITS }),
      ageMs: Type.Integer({ minimum: 0, maximum: MAX_UNITS }),
    }),
  ),
  blocks: Type.Optional(Type.Object({})),
});

const Units = Type.Integer({ minimum: 0, maximum: MAX_UNITS });
const Positive = Type.Integer({ minimum: 1, maximum: MAX_UNITS });

const Ask = Type.Object({
  ...{ id: Known, algorithm: Known, limit: Positive, periodMs: Units, burst: Units, unit: Name, key: Type.String({ maxLength: MAX_KEY }) },
  ...{ wanted: Units, largest: Positive, extra: Units, stock: Units, returned: Units, charged: Units, used: Units },
});

const Milliseconds = Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER });
const Lend = Type.Object({
  ...{ id: Known, key: Type.String({ maxLength: MAX_KEY }), granted: Units, left: Units },
  ...{ resetMs: Milliseconds, waitMs: Milliseconds, learning: Type.Boolean() },
});

/** Milliseconds since the epoch, within what a Date holds. */
const Moment = Type.Integer({ minimum: 0, maximum: 8.64e15 });
const ThreatBlocks = Type.Object({
  blocks: Type.Array(
    Type.Object({
      ...{ source: Known, policy: Known, cause: Known, score: Amount, begun: Moment, until: Moment },
      ...{ times: Whole, forgottenAt: Moment, origin: Name },
    }),
    { maxItems: MAX_BLOCKS },
  ),
});

const FROM_PROXY = validators({
  ...{ hello: Hello, report: Report, answer: Answer },
  asks: Type.Object({ asks: Type.Array(Ask, { maxItems: MAX_ASKS }) }),
  blocked: ThreatBlocks,
});
const TO_PROXY = validators({
  ...{ welcome: Welcome, received: Type.Object({ sequence: Whole }), command: Command },
  lending: Type.Object({ lender: Name, borrowers: Whole, proxies: Whole }),
  lends: Type.Object({ lends: Type.Array(Lend, { maxItems: MAX_ASKS }) }),
  shared: ThreatBlocks,
});

/** The loader sets members that a message lacks to null. */
function orNull(schema: TSchema): TSchema {
  return { ...schema, type: ['object', 'null'] };
}

function validators(members: Readonly<Record<string, TSchema>>): ReadonlyMap<string, () => ValidateFunction> {
  const ajv = ownSchemas({ verbose: true, strictNumbers: true });
  return new Map(Object.entries(members).map(([name, schema]) => [name, compiledLater(ajv, () => Type.Object({ [name]: schema }))]));
}

/** A message of a proxy within the limits, or the field that is not. */
export function decodeFromProxy(message: FromProxy): Result<FromProxy, FieldError> {
  if (message.message === 'chunk' && message.chunk.data.length > MAX_CHUNK_BYTES)
    return err({ field: 'chunk.data', reason: `has more than ${MAX_CHUNK_BYTES} bytes` });
  return check(FROM_PROXY, message);
}

/** A message of a controller within the limits, or the field that is not. */
export function decodeToProxy(message: ToProxy): Result<ToProxy, FieldError> {
  return check(TO_PROXY, message);
}

function check<Message extends { readonly message?: string | undefined }>(
  validators: ReadonlyMap<string, () => ValidateFunction>,
  message: Message,
): Result<Message, FieldError> {
  const validate = validators.get(message.message ?? '')?.();
  if (validate === undefined || validate(message)) return ok(message);
  const [error] = validate.errors ?? [];
  return err(error === undefined ? { field: '', reason: 'is not valid' } : describeSchemaError(error));
}
