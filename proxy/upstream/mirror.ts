// Copies of requests for RequestMirror. A copy is an exchange of its own whose answer goes nowhere: it can fail, stall or be
// dropped without the original ever noticing.
import { Exchange } from '../exchange/exchange.ts';
import type { BodyCopy } from '../exchange/exchange.ts';
import type { BackendPlan, UpstreamCluster } from '../exchange/plan.ts';
import type { DownstreamStream } from '../exchange/stream.ts';

/** Larger bodies are not copied: the copy is dropped and counted. */
const MAX_BODY = 65_536;
/** Copies under way at once in a worker: a slow mirror costs this many and no more. */
const MAX_COPIES = 256;

/** Who is there for the answer to a copy: nobody. */
const NOBODY: DownstreamStream = {
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
  #dropped = 0;
  #underWay = 0;

  /** `forward` sends a copy with its whole body. */
  constructor(cluster: (key: string) => UpstreamCluster, forward: (copy: Exchange, body: Buffer | null) => void) {
    this.#cluster = cluster;
    this.#forward = forward;
  }

  /** Copies that were not sent because they were too large or too many. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sends a copy of the request, once its body is there. */
  mirror(exchange: Exchange, cluster: string): void {
    if (exchange.upgrade !== '') return;
    if (this.#underWay >= MAX_COPIES) {
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
    const copy = new Exchange(exchange.connection, { ...NOBODY, end: ended, abort: ended }, exchange.startedAt);
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
    copy.route = exchange.route === null ? null : { ...exchange.route, responseFilters: null, retry: null, protocol, proxyProtocol: 0 };
    copy.backend = { cluster, error: null, weight: 1, requestFilters: null, responseFilters: null, route: null } satisfies BackendPlan;
    return copy;
  }

  #bodyCopy(copy: Exchange): BodyCopy {
    let chunks: Buffer[] | null = [];
    let bytes = 0;
    return {
      data: (chunk) => {
        bytes += chunk.length;
        if (bytes > MAX_BODY && chunks !== null) this.#drop();
        if (bytes > MAX_BODY) chunks = null;
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
