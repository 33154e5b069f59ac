// The requests of operators that controllers pass on to each other, and the answer of one controller for its own proxies.
import type { Action } from '#api/wire/telemetry-messages.ts';
import type { LimitReset, ListedLimit } from '#lib/limit/listing.ts';
import type { Ask } from '#lib/limit/share.ts';
import type { Aggregate } from '../telemetry/aggregate.ts';
import type { ErrorGroup, TracedSample } from '../telemetry/errors/error-book.ts';
import type { Borrowers, ProxyEnd, TelemetryHub } from '../telemetry/hub.ts';
import type { Override } from '../telemetry/overrides.ts';
import type { ProxyStates } from '../telemetry/proxy-states.ts';
import { partOf } from '../telemetry/window/part.ts';
import type { WindowPart, WindowQuestion } from '../telemetry/window/part.ts';
import type { ScopedBlock } from '../telemetry/threat-blocks.ts';
import type { TakePart } from './link-end.ts';

/** A request for what proxies have reported. */
type LookRequest =
  | { readonly operation: 'aggregates' }
  | { readonly operation: 'states' }
  | { readonly operation: 'counted'; readonly proxy: string }
  | { readonly operation: 'errors'; readonly id: string | null }
  | { readonly operation: 'samples'; readonly id: string }
  | { readonly operation: 'window'; readonly question: WindowQuestion };

/** A request. `request` is unique: a controller answers each once. */
export type PeerRequest = { readonly request: string } & (
  | LookRequest
  | { readonly operation: 'override'; readonly override: Override }
  | { readonly operation: 'overrides'; readonly overrides: readonly Override[] }
  | { readonly operation: 'blocks'; readonly blocks: readonly ScopedBlock[]; readonly wantsAll: boolean }
  | { readonly operation: 'command'; readonly action: Action; readonly deadlineMs: number; readonly proxies: readonly string[] | null }
);

/** A request to the leader, which it answers alone. */
export type LimitRequest =
  | { readonly operation: 'borrow'; readonly scope: string; readonly borrower: string; readonly asks: readonly Ask[] }
  | { readonly operation: 'present'; readonly borrowers: Borrowers }
  | { readonly operation: 'listKeys'; readonly limits: readonly ListedLimit[]; readonly top: number }
  | { readonly operation: 'resetKeys'; readonly reset: LimitReset };

/** What one or more controllers answer. */
export interface PeerReply {
  readonly aggregates: readonly Aggregate[];
  readonly states: readonly ProxyStates[];
  readonly windows: readonly WindowPart[];
  readonly errorGroups: readonly ErrorGroup[];
  /** Failures of one request or trace. */
  readonly samples: readonly TracedSample[];
  /** The last report of the proxy at each of them. */
  readonly counted: readonly number[];
  readonly ends: readonly ProxyEnd[];
  readonly overrides: readonly Override[];
  readonly blocks: readonly ScopedBlock[];
  /** Controllers that did not answer. */
  readonly missing: readonly string[];
}

/** One reply of several. */
export function joined(parts: readonly Partial<PeerReply>[]): PeerReply {
  return {
    aggregates: parts.flatMap(({ aggregates = [] }) => aggregates),
    states: parts.flatMap(({ states = [] }) => states),
    windows: parts.flatMap(({ windows = [] }) => windows),
    errorGroups: parts.flatMap(({ errorGroups = [] }) => errorGroups),
    samples: parts.flatMap(({ samples = [] }) => samples),
    counted: parts.flatMap(({ counted = [] }) => counted),
    ends: parts.flatMap(({ ends = [] }) => ends),
    overrides: parts.flatMap(({ overrides = [] }) => overrides),
    blocks: parts.flatMap(({ blocks = [] }) => blocks),
    missing: parts.flatMap(({ missing = [] }) => missing),
  };
}

/** The answer for the proxies of this controller. Rejects with a refusal. */
export async function answerOf(
  request: PeerRequest,
  hub: TelemetryHub,
  { part, signal }: { readonly part: TakePart; readonly signal: AbortSignal },
): Promise<Partial<PeerReply>> {
  switch (request.operation) {
    case 'override':
      return setOverride(request.override, hub);
    case 'overrides':
      return exchangeOverrides(request.overrides, hub);
    case 'blocks':
      return exchangeBlocks(request, hub);
    case 'command': {
      const { action, deadlineMs, proxies } = request;
      return { ends: await hub.command({ action, deadlineMs, proxies, chunk: part, signal }) };
    }
    default:
      return lookAt(hub, request);
  }
}

/** What the proxies of this controller have reported. Rejects with a refusal. */
async function lookAt(hub: TelemetryHub, request: LookRequest): Promise<Partial<PeerReply>> {
  switch (request.operation) {
    case 'aggregates':
      return { aggregates: [hub.aggregate()] };
    case 'states':
      return { states: hub.states() };
    case 'errors':
      return { errorGroups: hub.errors.groups(request.id) };
    case 'samples':
      return { samples: hub.errors.samplesOf(request.id) };
    case 'counted':
      return { counted: [hub.counted(request.proxy)] };
    case 'window': {
      const part = await partOf(hub.window, request.question);
      if (!part.ok) throw new Error(part.error);
      return { windows: [part.value] };
    }
  }
}

async function setOverride(override: Override, hub: TelemetryHub): Promise<Partial<PeerReply>> {
  const ends = await hub.override(override);
  if (!ends.ok) throw new Error(ends.error);
  return { ends: ends.value };
}

function exchangeOverrides(learned: readonly Override[], hub: TelemetryHub): Partial<PeerReply> {
  const overrides = hub.overrides.all();
  for (const override of learned) hub.learn(override);
  return { overrides };
}

function exchangeBlocks(request: Extract<PeerRequest, { operation: 'blocks' }>, hub: TelemetryHub): Partial<PeerReply> {
  const blocks = request.wantsAll ? hub.threats.all() : [];
  hub.threats.learn(request.blocks);
  return { blocks };
}
