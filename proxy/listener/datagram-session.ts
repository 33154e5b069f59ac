// All that one peer sends to a UDP port, and the answers: one backend for them until there was silence for a while. UDP has no
// beginning and no end, so both are made of time.
import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import { draw } from '../exchange/draw.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { UpstreamEndpoint } from '../exchange/plan.ts';
import type { StreamCluster, StreamPlan } from '../exchange/stream-plan.ts';
import type { StreamSession } from '../exchange/stream-session.ts';
import type { SpliceSettings } from './splice.ts';

/** Datagrams that wait for the socket to the endpoint, which takes a turn of the event loop. The rest is dropped, as networks do. */
const MAX_EARLY = 16;
/** Of a port that is closed: whoever still waits for an answer gets it. */
const LAST_ANSWER_MS = 1_000;

/** The port as its sessions see it. */
export interface DatagramOwner {
  /** Sends an answer to the peer. */
  reply(datagram: Buffer): void;
  /** The session is over. */
  ended(): void;
}

export class DatagramSession {
  readonly #session: StreamSession;
  readonly #owner: DatagramOwner;
  readonly #settings: SpliceSettings;
  readonly #timer: Timer;
  #cluster: StreamCluster | null = null;
  #endpoint: UpstreamEndpoint | null = null;
  /** The endpoints among which ours was last seen. */
  #seen: readonly UpstreamEndpoint[] = [];
  #upstream: dgram.Socket | null = null;
  #early: Buffer[] = [];
  #connected = false;
  #idle: number;
  #over = false;

  constructor(session: StreamSession, owner: DatagramOwner, settings: SpliceSettings) {
    this.#session = session;
    this.#owner = owner;
    this.#settings = settings;
    this.#idle = settings.limits.datagramIdleTimeout;
    this.#timer = new Timer(() => this.end(null));
    settings.recorder.started(session);
  }

  /** Whether the session is what a peer would get now: its route is the same, and its endpoint is still one. */
  follows(plan: StreamPlan | null): boolean {
    if (plan !== this.#session.target.plan) return false;
    const endpoints = this.#cluster?.endpoints ?? this.#seen;
    if (endpoints === this.#seen) return true;
    this.#seen = endpoints;
    return this.#endpoint !== null && endpoints.includes(this.#endpoint);
  }

  /** Draws a backend; a session without one is over at once. */
  open(): void {
    const { plan } = this.#session.target;
    if (plan === null) return this.end(ERRORS.routeNotFound);
    const backend = draw(plan.backends, plan.totalWeight);
    if (backend === null) return this.end(plan.nothingDrawn);
    if (backend.cluster === null) return this.end(ERRORS.backendInvalid);
    const endpoint = backend.cluster.pick([]);
    if (endpoint === null) return this.end(ERRORS.noEndpoints);
    this.#cluster = backend.cluster;
    this.#seen = backend.cluster.endpoints;
    this.#endpoint = endpoint;
    this.#session.endpoint = endpoint;
    this.#session.attempts = 1;
    endpoint.active++;
    this.#connect(endpoint);
  }

  /** Passes a datagram of the peer on. The session keeps it. */
  datagram(message: Buffer): void {
    if (this.#over) return;
    this.#session.receivedBytes += message.length;
    this.#touch();
    if (this.#connected) this.#send(message);
    else if (this.#early.length < MAX_EARLY) this.#early.push(message);
  }

  /** The port takes nothing new: what is on its way back still passes. */
  drain(): void {
    this.#idle = this.#idle === 0 ? LAST_ANSWER_MS : Math.min(this.#idle, LAST_ANSWER_MS);
    this.#touch();
  }

  /** Ends the session. `error`: null after silence. */
  end(error: ExchangeError | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#early = [];
    this.#settings.wheel.disarm(this.#timer);
    this.#upstream?.close();
    if (this.#endpoint !== null) this.#endpoint.active--;
    this.#session.error = error;
    this.#settings.recorder.ended(this.#session);
    this.#owner.ended();
  }

  #connect({ address, port }: UpstreamEndpoint): void {
    const upstream = dgram.createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    this.#upstream = upstream;
    // A connected socket takes datagrams from its endpoint only, and hears that nobody is there (ICMP).
    upstream.on('error', () => this.end(this.#session.sentBytes === 0 ? ERRORS.upstreamConnectFailed : ERRORS.upstreamReset));
    upstream.on('message', (message) => this.#answer(message));
    upstream.connect(port, address, () => this.#flush());
    this.#touch();
  }

  #flush(): void {
    if (this.#over) return;
    this.#connected = true;
    this.#session.connectedAfter = performance.now() - this.#session.startedAt;
    for (const message of this.#early.splice(0)) this.#send(message);
  }

  #send(message: Buffer): void {
    const upstream = this.#upstream;
    if (upstream !== null && upstream.getSendQueueSize() <= this.#settings.limits.maxBufferedBytes) upstream.send(message);
  }

  #answer(message: Buffer): void {
    if (this.#over) return;
    this.#session.sentBytes += message.length;
    this.#touch();
    this.#owner.reply(message);
  }

  #touch(): void {
    this.#settings.wheel.arm(this.#timer, this.#idle);
  }
}
