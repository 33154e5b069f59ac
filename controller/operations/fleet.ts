// The status of the fleet, overrides of endpoints and breakers, and commands to proxies.
import { Type } from '#lib/typebox.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { joinAddress, splitAddress } from '#lib/host-port.ts';
import { didYouMean } from '#lib/nearest.ts';
import { COMMAND_MS } from '../telemetry/hub.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import type { Override } from '../telemetry/overrides.ts';
import type { Action } from '#api/wire/telemetry-messages.ts';
import { invalid, operation } from './operation.ts';
import type { Operation, Outcome, Problem } from './operation.ts';

/** The answer to a command: that of each proxy. */
export interface CommandAnswer {
  readonly proxies: readonly ProxyEnd[];
}

const CLOSED = { additionalProperties: false };
const EndpointInput = Type.Object(
  {
    /** ADDRESS:PORT. */
    endpoint: Type.String({ minLength: 1, maxLength: 64 }),
    state: Type.Union([Type.Literal('out'), Type.Literal('in'), Type.Literal('auto')]),
  },
  CLOSED,
);
const BreakerInput = Type.Object(
  {
    /** Key of a cluster, like Backend/default/app. */
    backend: Type.String({ minLength: 1, maxLength: 512 }),
    state: Type.Union([Type.Literal('open'), Type.Literal('close'), Type.Literal('auto')]),
  },
  CLOSED,
);
/** The names of some proxies; absent for all. */
export const ProxyNames = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { minItems: 1, maxItems: 1_000 }));
const LevelInput = Type.Object(
  {
    level: Type.String({ minLength: 1, maxLength: 16 }),
    /** Absent: the whole log. */
    component: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    proxies: ProxyNames,
  },
  CLOSED,
);
// All proxies at once would stop the traffic: they must be named.
const DrainInput = Type.Object(
  { proxies: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { minItems: 1, maxItems: 1_000 }) },
  CLOSED,
);

/** The operations of a fleet. */
export function fleetOperations(fleet: Fleet): readonly Operation[] {
  return [
    operation('GET /status', Type.Object({}, CLOSED), async () => ok(await fleet.status())),
    operation('PUT /endpoint', EndpointInput, ({ endpoint, state }) => overrideEndpoint(fleet, endpoint, state)),
    operation('PUT /breaker', BreakerInput, ({ backend, state }) => overrideBreaker(fleet, backend, state)),
    operation('PUT /proxies/log-level', LevelInput, ({ level, component, proxies = null }) =>
      command(fleet, levelAction(level, component), proxies),
    ),
    operation('POST /proxies/drain', DrainInput, ({ proxies }) => command(fleet, { action: 'drain', drain: {} }, proxies)),
  ];
}

function levelAction(level: string, component: string | undefined): Action {
  if (component === undefined) return { action: 'logLevel', logLevel: { level } };
  return { action: 'componentLogLevel', componentLogLevel: { component, level } };
}

async function overrideEndpoint(fleet: Fleet, text: string, state: string): Promise<Outcome> {
  const address = splitAddress(text);
  if (address === null) return invalid([{ field: 'endpoint', reason: 'must be ADDRESS:PORT, like 10.0.0.7:8080 or [fd00::7]:8080' }]);
  const endpoint = joinAddress(address.address, address.port);
  if (!fleet.hasEndpoint(endpoint)) return err({ status: 404, detail: `no backend has the endpoint ${endpoint}` });
  return override(fleet, { kind: 'endpoint', backend: '', endpoint, state, at: Date.now() });
}

async function overrideBreaker(fleet: Fleet, backend: string, state: string): Promise<Outcome> {
  const known = fleet.backends();
  if (!known.has(backend))
    return err({ status: 404, detail: `no backend has the name ${JSON.stringify(backend)}${hintAt(backend, known)}` });
  return override(fleet, { kind: 'breaker', backend, endpoint: '', state, at: Date.now() });
}

/** The backend that was probably meant: one with the name as a part, or one with a similar name. */
function hintAt(name: string, known: ReadonlySet<string>): string {
  const fuller = [...known].find((key) => `${key}/`.includes(`/${name}/`));
  if (fuller !== undefined) return `; did you mean ${fuller}?`;
  return didYouMean(name, known) || '; weir status --all lists the backends';
}

async function override(fleet: Fleet, meant: Override): Promise<Outcome> {
  const ends = await fleet.override(meant);
  return ends.ok ? ok({ proxies: ends.value } satisfies CommandAnswer) : err({ status: 409, detail: ends.error });
}

async function command(fleet: Fleet, action: Action, proxies: readonly string[] | null): Promise<Outcome> {
  const { signal } = new AbortController();
  const ends = await fleet.command({ action, deadlineMs: COMMAND_MS, proxies, chunk: () => undefined, signal });
  const stranger = strangerAmong(
    proxies,
    ends.map(({ proxy }) => proxy),
  );
  return stranger ?? ok({ proxies: ends } satisfies CommandAnswer);
}

/** The refusal of names of proxies that do not report; null if all do. */
export function strangerAmong(names: readonly string[] | null, known: readonly string[]): Result<never, Problem> | null {
  const unknown = names?.filter((name) => !known.includes(name)) ?? [];
  return unknown.length === 0 ? null : err({ status: 404, detail: `no proxy reports under the name ${unknown.join(', ')}` });
}
