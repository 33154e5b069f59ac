// All datagrams of one peer to a UDP port, and the answers: they use one backend until there was a pause. UDP has no start and no end, so
// time defines both.
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

/**
 * The maximum number of datagrams that wait for the socket to the endpoint, which takes a turn of the event loop. More are dropped, as in
 * networks.
 */
const MAX_EARLY = 16;
/** The grace of a closed port: a peer that still waits for an answer gets it. */
const LAST_ANSWER_MS = 1_000;

/** The interface of the port for its sessions. */
export interface DatagramOwner {
  /** Sends an answer to the peer. */
  reply(datagram: Buffer): void;
  /** The session has ended. */
  ended(): void;
}

export class DatagramSession {
  readonly #session: StreamSession;
  readonly #owner: DatagramOwner;
  readonly #settings: SpliceSettings;
  readonly #timer: Timer;
  #cluster: StreamCluster | null = null;
  #endpoint: UpstreamEndpoint | null = null;
  /** The endpoints of the last check that our endpoint is still one of them. */
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

  /** Whether a peer would get the same session now: the route is the same, and the endpoint still exists. */
  follows(plan: StreamPlan | null): boolean {
    if (plan !== this.#session.target.plan) return false;
    const endpoints = this.#cluster?.endpoints ?? this.#seen;
    if (endpoints === this.#seen) return true;
    this.#seen = endpoints;
    return this.#endpoint !== null && endpoints.includes(this.#endpoint);
  }

  /** Chooses a backend; a session without one ends at once. */
  open(): void {
    const { plan } = this.#session.target;
    if (this.#settings.isBlocked(this.#session.clientAddress)) return this.end(ERRORS.requestBlocked);
    if (plan === null) return this.end(ERRORS.routeNotFound);
    const backend = draw(plan.backends, plan.totalWeight);
    if (backend === null) return this.end(plan.nothingDrawn);
    if (backend.cluster === null) return this.end(ERRORS.backendInvalid);
    const endpoint = backend.cluster.pick([], this.#session);
    if (endpoint === null) return this.end(ERRORS.noEndpoints);
    this.#cluster = backend.cluster;
    this.#seen = backend.cluster.endpoints;
    this.#endpoint = endpoint;
    this.#session.endpoint = endpoint;
    this.#session.attempts = 1;
    endpoint.active++;
    this.#connect(endpoint);
  }

  /** Forwards a datagram of the peer. The session keeps it. */
  datagram(message: Buffer): void {
    if (this.#over) return;
    this.#session.receivedBytes += message.length;
    this.#touch();
    if (this.#connected) this.#send(message);
    else if (this.#early.length < MAX_EARLY) this.#early.push(message);
  }

  /** The port accepts nothing new: pending answers still pass. */
  drain(): void {
    this.#idle = this.#idle === 0 ? LAST_ANSWER_MS : Math.min(this.#idle, LAST_ANSWER_MS);
    this.#touch();
  }

  /** Ends the session. `error`: null after a pause. */
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
    // A connected socket receives only datagrams of its endpoint, and gets ICMP errors.
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
