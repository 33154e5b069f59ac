// The sockets of the listeners of a worker. An update binds and closes ports until they agree with the configuration; it leaves a port
// alone that did not change.
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import type { BindingState } from '../exchange/binding-state.ts';
import { Bandwidth } from '../exchange/bandwidth.ts';
import type { Dial } from '../exchange/dial.ts';
import type { Limits } from '../exchange/limits.ts';
import { RefusedConnections } from '../exchange/refused-connections.ts';
import type { RefusedConnection } from '../exchange/refused-connections.ts';
import { unclaimed } from '../exchange/port-claim.ts';
import type { ClaimPort } from '../exchange/port-claim.ts';
import type { OperatorBlocks } from '../exchange/operator-blocks.ts';
import type { Shedder } from '../exchange/shedder.ts';
import type { StreamRecorder } from '../exchange/stream-session.ts';
import { BlockedPeers } from './blocked-peers.ts';
import { Challenges } from './challenges.ts';
import type { Connect } from './connection.ts';
import { DatagramPort } from './datagram-port.ts';
import { HandshakeCounts } from './handshake-counts.ts';
import type { TrustBundles } from './handshake-terms.ts';
import { Identities, TICKET_KEY_BYTES } from './identity.ts';
import type { TicketKeys } from './identity.ts';
import { ConnectionLimit } from './limits.ts';
import type { PortContext, StreamFinder, Timers } from './port-context.ts';
import { Port } from './port.ts';
import { Bugs } from '../exchange/bugs.ts';
import type { ListenerProblem } from './problem.ts';
import { speaks } from './protocol.ts';
import type { PortProtocol } from './protocol.ts';
import type { ProxyHeaderFailure } from './proxy-header.ts';
import { createFetch } from './ocsp/fetch.ts';
import type { FetchOcsp } from './ocsp/fetch.ts';
import { Stapler } from './ocsp/stapler.ts';
import type { OcspFailure } from './ocsp/stapler.ts';
import type { SettingsOf } from './settings.ts';
import { checkDirectReads } from './direct-reads.ts';
import type { SpliceSettings } from './splice.ts';

export interface ListenerSocketsOptions {
  /** Creates the codec of each connection with requests. */
  readonly connect: Connect;
  /** Finds the stream route of each other connection; by default there is none. */
  readonly findStream?: StreamFinder;
  /** Opens connections to endpoints; by default all fail. */
  readonly dial?: Dial;
  /** Records those connections in metrics and log. */
  readonly streams?: StreamRecorder;
  readonly limits: Limits;
  readonly wheel: Timers;
  /** Of the proxy, which share the limits of rules; 1 by default. */
  readonly workers?: number | undefined;
  /** The time for open connections of a removed port, milliseconds. */
  readonly drainTimeout: number;
  /** True if several workers serve the same ports. */
  readonly reusePort?: boolean;
  /** Called before a port is bound; by default all ports may be bound. */
  readonly claimPort?: ClaimPort;
  /** Maps the port of a listener to the port to bind: an offset for unprivileged users, 0 for a free port. */
  readonly bindPort?: (port: number) => number;
  /** The address of listeners without an address; all addresses by default. */
  readonly bindAddress?: string;
  /** The key for session tickets: the same in all workers, so that a session resumes at any of them. Random by default. */
  readonly ticketKeys?: TicketKeys;
  /** Connections that the kernel completes before `accept`; limited by net.core.somaxconn. */
  readonly backlog?: number;
  /** The answers to challenges in handshakes; by default there are none. */
  readonly challenges?: Challenges;
  /** Requests OCSP answers; by default over HTTP, and not from this machine. */
  readonly fetchOcsp?: FetchOcsp;
  /** Called when no OCSP answer for a certificate could be obtained. */
  readonly ocspFailed?: (failure: OcspFailure) => void;
  /** Called for some connections without a required PROXY protocol header. */
  readonly headerRefused?: (refused: RefusedConnection<ProxyHeaderFailure>) => void;
  /** Called for some failed TLS handshakes. */
  readonly handshakeFailed?: (failure: RefusedConnection) => void;
  /** Accepting failed, for example without file descriptors. */
  readonly acceptFailed?: (error: Error) => void;
  /** The set of ports that cannot be bound has changed: see `bindingState`. */
  readonly bindingsChanged?: () => void;
  /** Refuses connections while the worker is overloaded. */
  readonly shedder?: Shedder;
  /** What operators block; nothing by default. */
  readonly refused?: Pick<OperatorBlocks, 'hasAddress'>;
  /** Gets the bugs in the handling of connections. */
  readonly bugs?: Bugs;
}

const DEFAULT_BACKLOG = 4_096;
const noDial: Dial = () => new net.Socket().destroy();

const NO_BUNDLES: TrustBundles = new Map();

const UNRECORDED: StreamRecorder = { started: () => undefined, ended: () => undefined };

/** Whether and how the port is shared with other workers. */
function sharingOf({ reusePort = false, claimPort = unclaimed }: ListenerSocketsOptions): Pick<PortContext, 'reusePort' | 'claimPort'> {
  return { reusePort, claimPort };
}

/** The counters for connections that never reach a codec. */
function countsFor(options: ListenerSocketsOptions): Pick<PortContext, 'handshakes' | 'proxyHeaders' | 'blockedPeers'> {
  const { handshakeFailed = ignore, headerRefused = ignore, refused = null } = options;
  return {
    handshakes: new HandshakeCounts(handshakeFailed),
    proxyHeaders: new RefusedConnections(headerRefused),
    blockedPeers: new BlockedPeers(refused),
  };
}

function ignore(): void {}

export class ListenerSockets {
  readonly #context: PortContext;
  readonly #stapler: Stapler;
  readonly #drainTimeout: number;
  readonly #ports = new Map<number, Port>();
  /** UDP ports are a separate number space. */
  readonly #datagramPorts = new Map<number, DatagramPort>();
  /** Removed ports, whose connections finish. */
  readonly #retiring = new Set<Port | DatagramPort>();
  #retired = false;
  #closed = false;

  constructor(options: ListenerSocketsOptions) {
    this.#drainTimeout = options.drainTimeout;
    this.#stapler = staplerFor(options);
    this.#context = {
      connect: options.connect,
      findStream: options.findStream ?? (() => null),
      splice: spliceFor(options),
      limit: new ConnectionLimit(options.limits.maxConnections, options.shedder),
      datagramLimit: new ConnectionLimit(options.limits.maxDatagramSessions),
      identities: new Identities(options.ticketKeys ?? randomBytes(TICKET_KEY_BYTES), this.#stapler),
      ...countsFor(options),
      challenges: options.challenges ?? new Challenges(),
      settings: { limits: options.limits, proxyProtocol: null },
      drainTimeout: options.drainTimeout,
      bindAddress: options.bindAddress ?? '',
      wheel: options.wheel,
      bindPort: options.bindPort ?? ((port) => port),
      ...sharingOf(options),
      backlog: options.backlog ?? DEFAULT_BACKLOG,
      acceptFailed: options.acceptFailed ?? ignore,
      bindingsChanged: options.bindingsChanged ?? ignore,
      bugs: options.bugs ?? new Bugs(),
    };
  }

  /** Connections for requests that were refused since the start because operators block their peers. */
  get blocked(): number {
    return this.#context.blockedPeers.refused;
  }

  /** Open connections, including those in a handshake, and accepted and refused connections since the start. */
  get counts(): { readonly open: number; readonly accepted: number; readonly refused: number } {
    const { limit, datagramLimit } = this.#context;
    return { open: limit.open, accepted: limit.accepted, refused: limit.refused + datagramLimit.refused };
  }

  /** OCSP answers since the start, and certificates without one. */
  get ocsp(): Pick<Stapler, 'outcomes' | 'missing' | 'bare'> {
    return this.#stapler;
  }

  /** The outcomes of TLS handshakes since the start. */
  get handshakes(): Pick<HandshakeCounts, 'total' | 'successes' | 'failures'> {
    return this.#context.handshakes;
  }

  /** Connections refused because of their PROXY protocol header, by reason. */
  get proxyHeaderFailures(): RefusedConnections<ProxyHeaderFailure>['failures'] {
    return this.#context.proxyHeaders.failures;
  }

  /** Sets the key for session tickets. Older tickets do not resume: their peers do a full handshake. */
  rotateTicketKeys(ticketKeys: TicketKeys): void {
    this.#context.identities.rotate(ticketKeys);
  }

  /** The listener ports that are bound, and those that are not. */
  get bindingState(): BindingState {
    const states = [...this.#ports.values(), ...this.#datagramPorts.values()].map((port) => port.bindingState);
    return { bound: states.reduce((total, { bound }) => total + bound, 0), unbound: states.flatMap(({ unbound }) => unbound) };
  }

  /** The protocol of a port, or null without one. */
  spokenAt(port: number): PortProtocol | null {
    return this.#ports.get(port)?.protocol ?? null;
  }

  /** The bound port of a listener port, or null without one. */
  boundPort(port: number): number | null {
    return this.#ports.get(port)?.bound ?? this.#datagramPorts.get(port)?.bound ?? null;
  }

  /**
   * Serves exactly these listeners with these secrets and trust bundles (by key) from now on. Resolves to the problems, once every new port
   * is bound or has failed; failed ports are retried regularly and with the next update. Updates may overlap.
   */
  async update(
    listeners: readonly ir.Listener[],
    secrets: ReadonlyMap<string, ir.Secret>,
    bundles: TrustBundles = NO_BUNDLES,
    settingsOf: SettingsOf = () => this.#context.settings,
  ): Promise<ListenerProblem[]> {
    await checkDirectReads();
    if (this.#closed) return [];
    const bound = listeners.filter((listener) => isServed(listener) || this.#context.challenges.areAnsweredBy(listener));
    const byPort = Map.groupBy(bound, (listener) => listener.port);
    const others = listeners.filter((listener) => isUnserved(listener) && !bound.includes(listener));
    const unserved = Map.groupBy(others, (listener) => listener.port);
    for (const [number, port] of this.#ports) {
      if (!byPort.has(number)) this.#retire(number, port);
    }
    const updates = [
      ...[...byPort].map(([number, own]) =>
        this.#port(number).update([...own, ...(unserved.get(number) ?? [])], { secrets, bundles }, settingsOf),
      ),
      this.#updateDatagramPorts(listeners.filter(isUdp)),
    ];
    // Ports get their certificates at once, however long binding takes.
    this.#stapler.keep([...this.#ports.values()].flatMap((port) => port.stapled));
    const problems = await Promise.all(updates);
    return [...listeners.filter(isUnsupported).map(unsupported), ...problems.flat()];
  }

  async #updateDatagramPorts(listeners: readonly ir.Listener[]): Promise<ListenerProblem[]> {
    const byPort = Map.groupBy(listeners, (listener) => listener.port);
    for (const [number, port] of this.#datagramPorts) if (!byPort.has(number)) this.#retireDatagrams(number, port);
    const problems = await Promise.all(
      [...byPort].map(([number, own]) => {
        const port = this.#datagramPorts.get(number) ?? new DatagramPort(number, this.#context);
        this.#datagramPorts.set(number, port);
        return port.update(own);
      }),
    );
    return problems.flat();
  }

  /**
   * Continues to accept, but ends every connection with its next answer: the first step of a shutdown, while a balancer in front may still
   * choose this proxy.
   */
  retire(): void {
    this.#retired = true;
    for (const port of this.#ports.values()) port.retireConnections();
  }

  /** Stops accepting and lets connections finish; cuts the rest after `grace` ms. Resolves when none is left. */
  async close(grace: number): Promise<void> {
    this.#closed = true;
    this.#stapler.close();
    for (const [number, port] of this.#ports) this.#retire(number, port, grace);
    for (const [number, port] of this.#datagramPorts) this.#retireDatagrams(number, port, grace);
    await Promise.all([...this.#retiring].map((port) => port.retire(grace)));
  }

  /** Cuts every connection at once. */
  cut(): void {
    for (const port of [...this.#ports.values(), ...this.#datagramPorts.values(), ...this.#retiring]) port.cut();
  }

  #port(number: number): Port {
    let port = this.#ports.get(number);
    if (port !== undefined) return port;
    port = new Port(number, this.#context);
    if (this.#retired) port.retireConnections();
    this.#ports.set(number, port);
    return port;
  }

  #retire(number: number, port: Port, grace = this.#drainTimeout): void {
    this.#ports.delete(number);
    this.#await(port, grace);
  }

  #retireDatagrams(number: number, port: DatagramPort, grace = this.#drainTimeout): void {
    this.#datagramPorts.delete(number);
    this.#await(port, grace);
  }

  #await(port: Port | DatagramPort, grace: number): void {
    this.#retiring.add(port);
    void port.retire(grace).then(() => this.#retiring.delete(port));
  }
}

function spliceFor({ limits, wheel, streams = UNRECORDED, dial = noDial, workers, refused }: ListenerSocketsOptions): SpliceSettings {
  const isBlocked = (address: string): boolean => refused?.hasAddress(address) ?? false;
  return { limits, wheel, recorder: streams, dial, bandwidth: new Bandwidth(workers), isBlocked };
}

function staplerFor({ fetchOcsp = createFetch({ allowLocal: false }), ocspFailed = () => undefined }: ListenerSocketsOptions): Stapler {
  return new Stapler({ fetch: fetchOcsp, failed: ocspFailed });
}

function isServed(listener: ir.Listener): boolean {
  return !isUnserved(listener) && speaks(listener) !== null;
}

/** It keeps its host name, but binds no port by itself. */
function isUnserved({ unserved }: ir.Listener): boolean {
  return unserved !== undefined;
}

function isUdp(listener: ir.Listener): boolean {
  return !isUnserved(listener) && listener.protocol === 'UDP';
}

function isUnsupported(listener: ir.Listener): boolean {
  return !isUnserved(listener) && !isServed(listener) && !isUdp(listener);
}

function unsupported(listener: ir.Listener): ListenerProblem {
  return { listener: listener.key, reason: 'UnsupportedProtocol', message: `${describeProtocol(listener)} is not supported yet` };
}

function describeProtocol({ protocol, tls }: ir.Listener): string {
  return tls === null ? `Protocol ${protocol}` : `Protocol ${protocol} with TLS mode ${tls.mode}`;
}
