// Copies of requests for RequestMirror. A copy is an exchange of its own whose answer is discarded; failures and stalls of a copy do not
// affect the original.
import { Exchange } from '../exchange/exchange.ts';
import type { BodyCopy } from '../exchange/exchange.ts';
import type { Limits } from '../exchange/limits.ts';
import type { BackendPlan, UpstreamCluster } from '../exchange/plan.ts';
import type { DownstreamStream } from '../exchange/stream.ts';

/** Takes the answer to a copy and drops it. */
const DISCARD: DownstreamStream = {
  writeInformational: () => undefined,
  writeHead: () => undefined,
  writeData: () => true,
  end: () => undefined,
  abort: () => undefined,
  lag: () => 0,
  pauseRequest: () => undefined,
  resumeRequest: () => undefined,
  startTunnel: () => undefined,
};

export class Mirror {
  readonly #cluster: (key: string) => UpstreamCluster;
  readonly #forward: (copy: Exchange, body: Buffer | null) => void;
  readonly #limits: Limits;
  #dropped = 0;
  #underWay = 0;

  /**
   * `forward` sends a copy with its whole body. Copies with larger bodies, or beyond the number that the limits allow, are dropped and
   * counted.
   */
  constructor(limits: Limits, cluster: (key: string) => UpstreamCluster, forward: (copy: Exchange, body: Buffer | null) => void) {
    this.#limits = limits;
    this.#cluster = cluster;
    this.#forward = forward;
  }

  /** Copies that were not sent because they were too large or too many. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sends a copy of the request once its body is complete. */
  mirror(exchange: Exchange, cluster: string): void {
    if (exchange.upgrade !== '') return;
    if (this.#underWay >= this.#limits.maxMirrors) {
      this.#dropped++;
      return;
    }
    const copy = this.#copy(exchange, this.#cluster(cluster));
    if (exchange.requestLength === 0) this.#forward(copy, null);
    else (exchange.copies ??= []).push(this.#bodyCopy(copy));
  }

  #copy(exchange: Exchange, cluster: UpstreamCluster): Exchange {
    this.#underWay++;
    const ended = (): void => void this.#underWay--;
    const copy = new Exchange(exchange.connection, { ...DISCARD, end: ended, abort: ended }, exchange.startedAt);
    copy.shadow = true;
    copy.client = exchange.client;
    copy.clientIdentity = exchange.clientIdentity;
    copy.method = exchange.method;
    copy.authority = exchange.authority;
    copy.host = exchange.host;
    copy.path = exchange.path;
    copy.query = exchange.query;
    copy.hasQuery = exchange.hasQuery;
    copy.requestHeaders = [...exchange.requestHeaders];
    copy.secrets = exchange.secrets;
    copy.grpc = exchange.grpc;
    copy.deadlineAt = exchange.deadlineAt;
    const protocol = exchange.grpc ? 'http2' : null;
    const own = { responseFilters: null, endFilters: null, retry: null, protocol, proxyProtocol: 0, faults: null } as const;
    copy.route = exchange.route === null ? null : { ...exchange.route, ...own };
    copy.backend = {
      cluster,
      error: null,
      weight: 1,
      requestFilters: null,
      responseFilters: null,
      endFilters: null,
      route: null,
    } satisfies BackendPlan;
    return copy;
  }

  #bodyCopy(copy: Exchange): BodyCopy {
    let chunks: Buffer[] | null = [];
    const { maxMirrorBodyBytes } = this.#limits;
    let bytes = 0;
    return {
      data: (chunk) => {
        bytes += chunk.length;
        if (bytes > maxMirrorBodyBytes && chunks !== null) this.#drop();
        if (bytes > maxMirrorBodyBytes) chunks = null;
        else chunks?.push(Buffer.from(chunk));
      },
      end: () => {
        if (chunks !== null) this.#forward(copy, Buffer.concat(chunks));
        chunks = null;
      },
      abort: () => {
        if (chunks !== null) this.#drop();
        chunks = null;
      },
    };
  }

  #drop(): void {
    this.#dropped++;
    this.#underWay--;
  }
}
