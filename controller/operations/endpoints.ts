// The resource /endpoints: endpoints of Backends that are registered by hand.
import { Type, type Static } from '#lib/typebox.ts';
import { formatDuration, parseDuration } from '#lib/duration.ts';
import { canonicalAddress } from '#lib/ip-address.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { FieldError } from '#api/k8s/field-error.ts';
import { closed, DURATION_FORM, DURATION_RULES, Port } from '#api/k8s/schema.ts';
import { refusal, type AddressRules } from '../compile/addresses.ts';
import { addressKey } from '../store/registration.ts';
import type { EndpointAddress, NewRegistration, Registration } from '../store/registration.ts';
import type { RegistrationRefusal, Registrations } from '../store/registrations.ts';
import { invalid, operation, type Operation, type Outcome, type Problem } from './operation.ts';

/** The longest registration without renewal, milliseconds: 30 days. */
const MAX_TTL = 30 * 24 * 3_600_000;
/** The shortest. Controllers look for ends once per second. */
const MIN_TTL = 5_000;
const MAX_LABELS = 16;
/** Rules of Kubernetes for labels. */
const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$';

const DNS = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const BackendName = Type.String({
  maxLength: 317,
  pattern: `^${DNS}/${DNS}(\\.${DNS})*$`,
  '~must': 'NAMESPACE/NAME of a Backend',
});

const Address = { address: Type.String({ minLength: 2, maxLength: 45 }), port: Port };

const NewEndpoint = closed({
  ...Address,
  weight: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 7 })),
  zone: Type.Optional(Type.String({ minLength: 1, maxLength: 63, pattern: LABEL_VALUE, '~must': 'the name of a zone' })),
  labels: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 63, pattern: LABEL_VALUE, '~must': 'the value of a label' }))),
  ttl: Type.Optional(Type.String({ ...DURATION_RULES, '~must': DURATION_FORM })),
});
type NewEndpoint = Static<typeof NewEndpoint>;

/** The most endpoints in one request. */
const MAX_ENDPOINTS = 256;

const Additions = closed({
  backend: BackendName,
  endpoints: Type.Array(NewEndpoint, { minItems: 1, maxItems: MAX_ENDPOINTS }),
  /** The name that the caller gives itself, for `list`. */
  origin: Type.String({
    default: '',
    maxLength: 128,
    pattern: '^[^\\p{Cc}\\p{Cf}\\u2028\\u2029]*$',
    '~must': 'text without control characters',
  }),
});

const Removals = closed({
  backend: BackendName,
  endpoints: Type.Optional(Type.Array(closed(Address), { minItems: 1, maxItems: MAX_ENDPOINTS })),
  /** All endpoints of the Backend. */
  all: Type.Optional(Type.Literal(true)),
});

const Filter = closed({ backend: Type.Optional(BackendName) });

/** A registered endpoint in an answer. */
export interface ShownEndpoint {
  readonly backend: string;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly priority: number;
  /** '' without a zone. */
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A duration; null: no end. */
  readonly ttl: string | null;
  /** ISO 8601. */
  readonly expires: string | null;
  readonly added: string;
  readonly renewed: string;
  readonly origin: string;
}

/** The answer of `GET /endpoints`. `trouble`: why the endpoints may be out of date; null if they are not. */
export interface ShownEndpoints {
  readonly endpoints: readonly ShownEndpoint[];
  readonly trouble: string | null;
}

/** The answer of `PUT /endpoints`. */
export interface AddedEndpoints {
  readonly added: readonly EndpointAddress[];
  readonly renewed: readonly EndpointAddress[];
  /** Sentences that the caller should know. */
  readonly notes: readonly string[];
}

/** The answer of `DELETE /endpoints`. */
export interface RemovedEndpoints {
  readonly removed: readonly EndpointAddress[];
  readonly absent: readonly EndpointAddress[];
}

/** What the resource needs. */
export interface EndpointParts {
  readonly registrations: Registrations;
  /** Which addresses may be endpoints. */
  readonly rules: AddressRules;
}

/** The operations of /endpoints. */
export function endpoints({ registrations, rules }: EndpointParts): readonly Operation[] {
  return [
    operation('GET /endpoints', Filter, async ({ backend = null }) => {
      const { registrations: all, trouble } = await registrations.list(backend);
      return ok({ endpoints: all.map(shown), trouble } satisfies ShownEndpoints);
    }),
    operation('PUT /endpoints', Additions, async ({ backend, endpoints: given, origin }) => {
      const read = readAll(given, rules);
      if (!read.ok) return read;
      const added = await registrations.add(backend, read.value, origin);
      if (!added.ok) return refused(added.error);
      return ok({ ...added.value, notes: notes(registrations, backend) } satisfies AddedEndpoints);
    }),
    operation('DELETE /endpoints', Removals, (input) => remove(registrations, input)),
  ];
}

async function remove(registrations: Registrations, { backend, endpoints: given, all }: Static<typeof Removals>): Promise<Outcome> {
  if ((given === undefined) === (all === undefined)) return invalid([{ field: '', reason: 'must have either endpoints or all' }]);
  const addresses = (given ?? []).map((each) => ({ ...each, address: canonicalAddress(each.address) || each.address }));
  const removed = await registrations.remove(backend, all === true ? 'all' : addresses);
  return removed.ok ? ok(removed.value satisfies RemovedEndpoints) : refused(removed.error);
}

function refused({ reason, message }: RegistrationRefusal): Result<never, Problem> {
  return err({ status: reason === 'away' ? 503 : 409, detail: message });
}

function notes(registrations: Registrations, backend: string): readonly string[] {
  if (registrations.isFollowed(backend)) return [];
  return [`no route uses a Backend ${backend} with the source registered; the endpoints are kept, and serve once a route does`];
}

/** The endpoints of a request, or all errors in them. */
function readAll(given: readonly NewEndpoint[], rules: AddressRules): Result<readonly NewRegistration[], Problem> {
  const errors: FieldError[] = [];
  const seen = new Map<string, number>();
  const read = given.map((endpoint, index) => {
    const address = canonicalAddress(endpoint.address);
    const key = addressKey({ address, port: endpoint.port });
    const twin = seen.get(key);
    const own = [...errorsIn(endpoint, address, rules), ...(twin === undefined ? [] : [twinError(twin)])];
    errors.push(...own.map(({ field, reason }) => ({ field: `endpoints[${index}]${field === '' ? '' : `.${field}`}`, reason })));
    seen.set(key, index);
    return registrationOf(endpoint, address);
  });
  return errors.length > 0 ? invalid(errors) : ok(read);
}

function twinError(index: number): FieldError {
  return { field: '', reason: `has the address and port of endpoints[${index}]` };
}

function errorsIn({ labels = {}, ttl, port }: NewEndpoint, address: string, rules: AddressRules): readonly FieldError[] {
  const why = address === '' ? 'must be an IPv4 or IPv6 address' : refusal({ address, port, origin: 'written' }, rules);
  return [
    ...(why === null ? [] : [{ field: 'address', reason: why }]),
    ...(Object.keys(labels).length > MAX_LABELS ? [{ field: 'labels', reason: `must have at most ${MAX_LABELS} entries` }] : []),
    ...Object.keys(labels).flatMap((name) =>
      LABEL_NAME.test(name) ? [] : [{ field: 'labels', reason: `${JSON.stringify(name.slice(0, 80))} is not the name of a label` }],
    ),
    ...ttlErrors(ttl),
  ];
}

function ttlErrors(ttl: string | undefined): readonly FieldError[] {
  if (ttl === undefined) return [];
  const ms = millisecondsOf(ttl);
  if (ms >= MIN_TTL && ms <= MAX_TTL) return [];
  return [{ field: 'ttl', reason: `must be from ${formatDuration(MIN_TTL)} to ${formatDuration(MAX_TTL)}` }];
}

function millisecondsOf(duration: string): number {
  const parsed = parseDuration(duration);
  return parsed.ok ? parsed.value : 0;
}

function registrationOf({ port, weight, priority, zone, labels, ttl }: NewEndpoint, address: string): NewRegistration {
  const attributes = {
    ...(weight === undefined ? {} : { weight }),
    ...(priority === undefined ? {} : { priority }),
    ...(zone === undefined ? {} : { zone }),
    ...(labels === undefined ? {} : { labels }),
  };
  return { address, port, attributes, ttl: ttl === undefined ? null : millisecondsOf(ttl) };
}

function shown({ backend, address, port, attributes, ttl, expires, added, renewed, origin }: Registration): ShownEndpoint {
  const { weight = 1, priority = 0, zone = '', labels = {} } = attributes;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    ...{ backend, address, port, weight, priority, zone, labels },
    ttl: ttl === null ? null : formatDuration(ttl),
    expires: expires === null ? null : time(expires),
    added: time(added),
    renewed: time(renewed),
    origin,
  };
}
