// A connection that is forwarded as it is: connects to an endpoint and passes bytes in both directions, until both sides have sent their
// end or one fails.
//
//   connecting ──an endpoint took it──> open ──both sides ended and closed──> over
//       │ none did, downstream gone       │ reset, silence, cut                ^
//       └─────────────────────────────────┴────────────────────────────────────┘
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import { cut } from '../codec/h1/cut.ts';
import { writeProxyHeader } from '../codec/proxy-protocol/write.ts';
import type { Bandwidth } from '../exchange/bandwidth.ts';
import type { Dial } from '../exchange/dial.ts';
import { draw } from '../exchange/draw.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Limits } from '../exchange/limits.ts';
import type { BandwidthPlan, ProxyProtocol, Transport, UpstreamEndpoint } from '../exchange/plan.ts';
import { presenting } from '../exchange/presenting.ts';
import type { SessionOutcome, StreamCluster } from '../exchange/stream-plan.ts';
import type { StreamRecorder, StreamSession } from '../exchange/stream-session.ts';
import type { Connection, ConnectionCodec } from './connection.ts';
import { forward } from './forward.ts';
import type { Timers } from './port-context.ts';
import { StreamShaping } from './stream-shaping.ts';

export interface SpliceSettings {
  readonly limits: Pick<Limits, 'connectTimeout' | 'maxConnectAttempts' | 'tunnelIdleTimeout' | 'datagramIdleTimeout' | 'maxBufferedBytes'>;
  readonly wheel: Timers;
  readonly recorder: StreamRecorder;
  readonly dial: Dial;
  readonly bandwidth: Bandwidth;
  /** Whether an operator blocks the address of a client. */
  readonly isBlocked: (address: string) => boolean;
}

/** For TLS that is already terminated, by sender. */
const CLEAR: Transport = Object.freeze({ protocol: 'tcp', proxyProtocol: 0, tls: null });

export class Splice implements ConnectionCodec {
  readonly idle = false;
  readonly #connection: Connection;
  readonly #downstream: net.Socket;
  readonly #session: StreamSession;
  readonly #settings: SpliceSettings;
  readonly #timer: Timer;
  readonly #tried: UpstreamEndpoint[] = [];
  #cluster: StreamCluster | null = null;
  #proxyProtocol: ProxyProtocol = 0;
  /** The speed of both directions; null: no limit. */
  #shaping: StreamShaping | null = null;
  #upstream: net.Socket | null = null;
  /** performance.now() at the start of the current connection attempt. */
  #openedAt = 0;
  #state: 'connecting' | 'open' | 'over' = 'connecting';
  /** Bytes read before an endpoint accepted the connection: a ClientHello. */
  #early: Buffer[] = [];
  /** The error if the current connection attempt fails. */
  #failing = ERRORS.upstreamConnectFailed;
  #downstreamEnded = false;
  #upstreamEnded = false;
  #closed = 0;

  /** Takes a connection; `data` gets all bytes that were read from it. */
  constructor(connection: Connection, session: StreamSession, settings: SpliceSettings) {
    const downstream = connection.socket;
    this.#connection = connection;
    this.#downstream = downstream;
    this.#session = session;
    this.#settings = settings;
    this.#timer = new Timer(() => this.#timedOut());
    // The kernel buffers incoming bytes until there is an endpoint.
    downstream.pause();
    downstream.on('error', ignore);
    downstream.on('end', () => this.#downstreamEnd());
    downstream.on('drain', () => this.#downstreamDrained());
    downstream.on('close', (hadError) => this.#oneClosed(hadError ? ERRORS.downstreamReset : ERRORS.connectionCut));
    settings.recorder.started(session);
    this.#choose();
  }

  data(chunk: Buffer): void {
    this.#session.receivedBytes += chunk.length;
    if (this.#state === 'over') return;
    if (this.#state === 'connecting') {
      this.#early.push(Buffer.from(chunk));
      return;
    }
    this.#touch();
    if (this.#upstream === null) return;
    const room = forward(this.#upstream, chunk);
    if (this.#shaping !== null) this.#shaping.request.passed(chunk.length, room);
    else if (!room) this.#downstream.pause();
  }

  retire(): void {
    // The proxy does not know which bytes are a last answer.
  }

  drain(): void {
    // Only the peers know when they are done; the port cuts the rest at its deadline.
  }

  // Connecting

  #choose(): void {
    const { plan } = this.#session.target;
    if (this.#settings.isBlocked(this.#session.clientAddress)) return this.#refuse(ERRORS.requestBlocked);
    if (plan === null) return this.#refuse(ERRORS.routeNotFound);
    const backend = draw(plan.backends, plan.totalWeight);
    if (backend === null) return this.#refuse(plan.nothingDrawn);
    if (backend.cluster === null) return this.#refuse(ERRORS.backendInvalid);
    this.#cluster = backend.cluster;
    this.#proxyProtocol = backend.proxyProtocol;
    if (backend.bandwidth !== null) this.#shape(plan.key, backend.bandwidth);
    this.#attempt(ERRORS.noEndpoints);
  }

  #shape(rule: string, plan: BandwidthPlan): void {
    const { bandwidth, wheel } = this.#settings;
    const upstream = { pause: () => this.#upstream?.pause(), resume: () => this.#upstream?.resume() };
    this.#shaping = new StreamShaping(bandwidth.buckets(rule, plan), this.#downstream, upstream, wheel);
  }

  /** Tries the next endpoint. `failure`: the error of the last one, used if there is no other. */
  #attempt(failure: ExchangeError): void {
    const { limits, wheel } = this.#settings;
    if (this.#tried.length >= limits.maxConnectAttempts) return this.#refuse(failure);
    const endpoint = this.#cluster?.pick(this.#tried, this.#session) ?? null;
    if (endpoint === null || this.#tried.includes(endpoint)) return this.#refuse(failure);
    this.#tried.push(endpoint);
    this.#session.endpoint = endpoint;
    this.#session.attempts++;
    endpoint.active++;
    this.#openedAt = performance.now();
    this.#upstream = this.#open(endpoint);
    wheel.arm(this.#timer, this.#cluster?.connections?.connectTimeout ?? limits.connectTimeout);
  }

  #open({ address, port }: UpstreamEndpoint): net.Socket {
    const transport = this.#session.passthrough ? CLEAR : this.#transport();
    this.#failing = ERRORS.upstreamConnectFailed;
    const upstream = this.#settings.dial(
      { address, port, transport, header: this.#header() },
      {
        connected: () => this.#connected(upstream),
        failing: (error) => {
          if (upstream === this.#upstream) this.#failing = error;
        },
        data: (chunk) => this.#received(chunk),
      },
    );
    upstream.on('drain', () => this.#upstreamDrained());
    upstream.on('end', () => this.#upstreamEnd());
    upstream.on('error', ignore);
    upstream.on('close', () => this.#upstreamClosed(upstream));
    return upstream;
  }

  #transport(): Transport {
    const transport = (this.#cluster as StreamCluster).transportIn('tcp', this.#proxyProtocol);
    const { clientIdentity } = this.#session.target;
    return clientIdentity === null ? transport : presenting(transport, clientIdentity);
  }

  /** Sends the PROXY protocol header to backends that expect it. */
  #header(): Buffer | null {
    const version = this.#proxyProtocol;
    return version === 0 ? null : writeProxyHeader(version, this.#connection, this.#session.target.serverName);
  }

  #connected(upstream: net.Socket): void {
    // Too late: the next endpoint is being tried.
    if (upstream !== this.#upstream) return;
    this.#state = 'open';
    this.#session.endpoint?.connected(performance.now() - this.#openedAt);
    this.#session.connectedAfter = performance.now() - this.#session.startedAt;
    this.#touch();
    for (const chunk of this.#early) upstream.write(chunk);
    this.#early = [];
    if (this.#downstreamEnded) upstream.end();
    this.#shaping?.begin();
    if (this.#shaping?.request.waits !== true) this.#downstream.resume();
  }

  #upstreamClosed(upstream: net.Socket): void {
    if (upstream !== this.#upstream) return;
    if (this.#state === 'connecting') return this.#attemptFailed(this.#failing);
    const isTorn = this.#state === 'open' && !this.#upstreamEnded && !this.#downstreamEnded;
    if (isTorn && this.#session.sentBytes === 0) this.#met('failed');
    this.#oneClosed(ERRORS.upstreamReset);
  }

  #attemptFailed(failure: ExchangeError): void {
    const failed = this.#upstream;
    this.#session.endpoint?.connectFailed();
    this.#met('failed');
    this.#upstream = null;
    this.#leaveEndpoint();
    failed?.destroy();
    this.#attempt(failure);
  }

  /** No endpoint accepts the connection: the peer must see a failure, not an ordinary end. */
  #refuse(error: ExchangeError): void {
    this.#finish(error);
    cut(this.#downstream);
  }

  // Open

  #received(chunk: Buffer): void {
    if (this.#session.sentBytes === 0) this.#met('served');
    this.#session.sentBytes += chunk.length;
    this.#touch();
    if (this.#state !== 'open') return;
    const room = forward(this.#downstream, chunk);
    if (this.#shaping !== null) this.#shaping.response.passed(chunk.length, room);
    else if (!room) this.#upstream?.pause();
  }

  #upstreamDrained(): void {
    if (this.#shaping === null) this.#downstream.resume();
    else this.#shaping.request.drained();
  }

  #downstreamDrained(): void {
    if (this.#shaping === null) this.#upstream?.resume();
    else this.#shaping.response.drained();
  }

  #downstreamEnd(): void {
    this.#downstreamEnded = true;
    if (!this.#upstreamEnded) this.#session.closedBy = 'client';
    this.#touch();
    // A paused socket may report an end.
    if (this.#state === 'open') this.#upstream?.end();
  }

  #upstreamEnd(): void {
    this.#upstreamEnded = true;
    if (!this.#downstreamEnded) this.#session.closedBy = 'backend';
    this.#touch();
    this.#downstream.end();
  }

  #touch(): void {
    if (this.#state === 'open') this.#settings.wheel.arm(this.#timer, this.#settings.limits.tunnelIdleTimeout);
  }

  #timedOut(): void {
    if (this.#state === 'connecting') return this.#attemptFailed(ERRORS.upstreamConnectTimeout);
    this.#break(ERRORS.idleTimeout);
  }

  /** One side is closed. If both had sent their end, the other closes by itself once everything is written. */
  #oneClosed(error: ExchangeError): void {
    if (this.#state === 'over') return;
    if (!this.#downstreamEnded || !this.#upstreamEnded) return this.#break(error);
    this.#closed++;
    if (this.#closed === 2) this.#finish(null);
  }

  /** Both sides must see that the data is incomplete. */
  #break(error: ExchangeError): void {
    this.#finish(error);
    cut(this.#downstream);
    // Node would delay a reset until the connection is established.
    if (this.#upstream?.connecting === true) this.#upstream.destroy();
    else if (this.#upstream !== null) cut(this.#upstream);
  }

  #finish(error: ExchangeError | null): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    // The backend took what the client sent, and had nothing to say.
    if (error === null && this.#session.sentBytes === 0 && this.#session.receivedBytes > 0) this.#met('served');
    this.#early = [];
    this.#settings.wheel.disarm(this.#timer);
    this.#shaping?.stop();
    this.#session.error = error;
    if (this.#upstream !== null) this.#leaveEndpoint();
    this.#settings.recorder.ended(this.#session);
  }

  /** Tells the cluster about the current endpoint. */
  #met(outcome: SessionOutcome): void {
    const { endpoint } = this.#session;
    if (endpoint !== null) this.#cluster?.sessionMet(endpoint, outcome);
  }

  #leaveEndpoint(): void {
    if (this.#session.endpoint !== null) this.#session.endpoint.active--;
  }
}

function ignore(): void {
  // 'close' follows in any case.
}
