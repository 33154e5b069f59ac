// The status of the fleet, overrides of endpoints, and commands to proxies.
import { Type } from 'typebox';
import type { Resource } from '#api/ir/ir.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { joinAddress, splitAddress } from '#lib/host-port.ts';
import { COMMAND_MS } from '../telemetry/hub.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import type { Fleet } from '../telemetry/fleet.ts';
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
/** The names of some proxies; absent for all. */
export const ProxyNames = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { minItems: 1, maxItems: 1_000 }));
const LevelInput = Type.Object({ level: Type.String({ minLength: 1, maxLength: 16 }), proxies: ProxyNames }, CLOSED);
// All proxies at once would stop the traffic: they must be named.
const DrainInput = Type.Object(
  { proxies: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { minItems: 1, maxItems: 1_000 }) },
  CLOSED,
);

/** The operations of a fleet. */
export function fleetOperations(fleet: Fleet): readonly Operation[] {
  return [
    operation('GET /status', Type.Object({}, CLOSED), async () => ok(await fleet.status())),
    operation('PUT /endpoint', EndpointInput, (input) => override(fleet, input.endpoint, input.state)),
    operation('PUT /proxies/log-level', LevelInput, ({ level, proxies = null }) =>
      command(fleet, { action: 'logLevel', logLevel: { level } }, proxies),
    ),
    operation('POST /proxies/drain', DrainInput, ({ proxies }) => command(fleet, { action: 'drain', drain: {} }, proxies)),
  ];
}

async function override(fleet: Fleet, text: string, state: string): Promise<Outcome> {
  const address = splitAddress(text);
  if (address === null) return invalid([{ field: 'endpoint', reason: 'must be ADDRESS:PORT, like 10.0.0.7:8080 or [fd00::7]:8080' }]);
  const endpoint = joinAddress(address.address, address.port);
  if (!fleet.knows(endpointNames, endpoint)) return err({ status: 404, detail: `no backend has the endpoint ${endpoint}` });
  const ends = await fleet.override({ kind: 'endpoint', backend: '', endpoint, state, at: Date.now() });
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

function endpointNames(resource: Resource): readonly string[] {
  return resource.kind === 'Endpoints' ? resource.endpoints.map(({ address, port }) => joinAddress(address, port)) : [];
}
