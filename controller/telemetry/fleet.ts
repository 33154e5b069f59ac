// All proxies of all replicas for operators: reads join the views of the replicas, and commands reach the proxies of each.
import type { Resource } from '#api/ir/ir.ts';
import { joinAddress } from '#lib/host-port.ts';
import { ok, type Result } from '#lib/result.ts';
import { mergeAggregates } from './aggregate.ts';
import type { Aggregate, ProxySeen } from './aggregate.ts';
import type { ErrorGroup, TracedSample } from './errors/error-book.ts';
import { FleetErrors } from './errors/fleet-errors.ts';
import type { Order, ProxyEnd, TelemetryHub } from './hub.ts';
import { isBlock } from './overrides.ts';
import type { Override } from './overrides.ts';
import type { ProxyStates } from './proxy-states.ts';
import { statusOf } from './status.ts';
import type { FleetStatus } from './status.ts';
import type { WindowPart, WindowQuestion } from './window/part.ts';

/** The other replicas. Their methods never reject. */
export interface Peers {
  /** What their proxies see, and the names of replicas that do not answer. */
  aggregates(): Promise<{ readonly aggregates: readonly Aggregate[]; readonly missing: readonly string[] }>;
  /** The states that their proxies report, and the names of replicas that do not answer. */
  states(): Promise<{ readonly states: readonly ProxyStates[]; readonly missing: readonly string[] }>;
  /** What their windows answer, and the names of replicas that do not answer. */
  windows(question: WindowQuestion): Promise<{ readonly windows: readonly WindowPart[]; readonly missing: readonly string[] }>;
  /** The failures of their proxies: all groups, or the one with an id; and the names of replicas that do not answer. */
  errors(id: string | null): Promise<{ readonly errorGroups: readonly ErrorGroup[]; readonly missing: readonly string[] }>;
  /** The failures of a request or a trace at their proxies, and the names of replicas that do not answer. */
  samples(id: string): Promise<{ readonly samples: readonly TracedSample[]; readonly missing: readonly string[] }>;
  /** Sets an override at all of them. */
  override(override: Override): Promise<readonly ProxyEnd[]>;
  /** Sends a command to their proxies. */
  command(order: Order): Promise<readonly ProxyEnd[]>;
}

/** For a controller without other replicas. */
export const NO_PEERS: Peers = {
  aggregates: () => Promise.resolve({ aggregates: [], missing: [] }),
  states: () => Promise.resolve({ states: [], missing: [] }),
  windows: () => Promise.resolve({ windows: [], missing: [] }),
  errors: () => Promise.resolve({ errorGroups: [], missing: [] }),
  samples: () => Promise.resolve({ samples: [], missing: [] }),
  override: () => Promise.resolve([]),
  command: () => Promise.resolve([]),
};

export interface FleetOptions {
  readonly hub: TelemetryHub;
  readonly peers: Peers;
  /** All compiled resources. */
  readonly resources: () => Iterable<Resource>;
  readonly version: string;
}

export class Fleet {
  /** The failures at all proxies. */
  readonly errors: FleetErrors;
  readonly #options: FleetOptions;

  constructor(options: FleetOptions) {
    const { hub, peers } = options;
    this.errors = new FleetErrors(hub.errors, (id) => peers.errors(id));
    this.#options = options;
  }

  async status(): Promise<FleetStatus> {
    const { hub, peers, resources, version } = this.#options;
    const { aggregates, missing } = await peers.aggregates();
    const aggregate = mergeAggregates([hub.aggregate(), ...aggregates]);
    const overrides = hub.overrides.inForce().filter((override) => !isBlock(override));
    return statusOf({ version, at: new Date(), aggregate, resources: resources(), overrides, missing });
  }

  /** All compiled resources. */
  resources(): Iterable<Resource> {
    return this.#options.resources();
  }

  /** All proxies that report, or reported lately: one that has changed its controller is there twice. */
  async proxies(): Promise<readonly ProxySeen[]> {
    const { hub, peers } = this.#options;
    const { aggregates } = await peers.aggregates();
    return [hub.aggregate(), ...aggregates].flatMap(({ proxies }) => proxies);
  }

  /** The states that proxies of all replicas report. `complete`: all replicas have answered. */
  async states(): Promise<{ readonly states: readonly ProxyStates[]; readonly complete: boolean }> {
    const { hub, peers } = this.#options;
    const { states, missing } = await peers.states();
    return { states: [...hub.states(), ...states], complete: missing.length === 0 };
  }

  /** The failures of a request or a trace that controllers know, the oldest first, and the names of replicas that do not answer. */
  async samplesOf(id: string): Promise<{ readonly samples: readonly TracedSample[]; readonly missing: readonly string[] }> {
    const { hub, peers } = this.#options;
    const { samples, missing } = await peers.samples(id);
    return { samples: [...hub.errors.samplesOf(id), ...samples].toSorted((one, other) => one.at - other.at), missing };
  }

  /** Whether a backend has the endpoint ADDRESS:PORT, or an override is about it. */
  hasEndpoint(name: string): boolean {
    for (const resource of this.#options.resources()) if (endpointNames(resource).includes(name)) return true;
    return this.#options.hub.overrides.inForce().some(({ endpoint }) => endpoint === name);
  }

  /** The keys of all backends, and of those with an override. */
  backends(): ReadonlySet<string> {
    const keys = new Set<string>();
    for (const { kind, key } of this.#options.resources()) if (kind === 'Endpoints') keys.add(key);
    for (const { kind, backend } of this.#options.hub.overrides.inForce()) if (kind === 'breaker') keys.add(backend);
    return keys;
  }

  /** The blocks of operators in force. */
  blocks(): readonly Override[] {
    return this.#options.hub.overrides.blocks();
  }

  /** Sets an override everywhere. Resolves to the answers of the proxies, or to the reason of a refusal. */
  async override(override: Override): Promise<Result<readonly ProxyEnd[]>> {
    const { hub, peers } = this.#options;
    const [own, others] = await Promise.all([hub.override(override), peers.override(override)]);
    return own.ok ? ok([...own.value, ...others]) : own;
  }

  /** Sends a command to proxies. Resolves to their answers. */
  async command(order: Order): Promise<readonly ProxyEnd[]> {
    const { hub, peers } = this.#options;
    return (await Promise.all([hub.command(order), peers.command(order)])).flat();
  }
}

function endpointNames(resource: Resource): readonly string[] {
  return resource.kind === 'Endpoints' ? resource.endpoints.map(({ address, port }) => joinAddress(address, port)) : [];
}
