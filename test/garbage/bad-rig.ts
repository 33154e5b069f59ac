// A proxy with a route to each bad backend, and a route to a backend that does no harm.
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import type * as ir from '#api/ir/ir.ts';
import type { MetricJson } from '#lib/metric.ts';
import { blackhole } from '../support/blackhole.ts';
import { openSession, openStream } from '../support/h2-client.ts';
import { cluster, listener, pathMatch, backend as routeBackend, route, startProxy } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { H1Backend, H2FrameBackend } from './backends.ts';
import type { Backend } from './backends.ts';
import { BAD_BACKENDS } from './bad-backends.ts';
import type { BadBackend, Protocol } from './bad-backends.ts';

/** A port without a listener. */
const REFUSING = 1;
const LIMITS = { poolIdleTimeout: 100, upstreamIdleTimeout: 1_000, tunnelIdleTimeout: 1_000, connectTimeout: 300 };
const DEADLINE_MS = 500;
const CALL = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
const MESSAGE = Buffer.from([0, 0, 0, 0, 1, 7]);

/** What a client sees: the status, of HTTP or of gRPC, and whether the answer is cut. */
export interface Seen {
  readonly status: string;
  readonly torn: boolean;
}

/** The counts of failures by name and code, of all backends. */
export type Counts = ReadonlyMap<string, number>;

const cases = Object.entries(BAD_BACKENDS).flatMap(([name, bad]) =>
  (Object.keys(bad.replies) as Protocol[]).map((protocol) => ({ name, bad, protocol })),
);

/** A path, and the name of its route and backend. */
function slug(name: string, protocol: Protocol): string {
  return `${protocol}-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
}

export class BadRig {
  readonly #proxy: Proxy;
  readonly #backends: readonly Backend[];
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #logFile: string;
  #logRead = 0;

  private constructor(proxy: Proxy, backends: readonly Backend[], logFile: string) {
    this.#proxy = proxy;
    this.#backends = backends;
    this.#logFile = logFile;
  }

  static async start(): Promise<BadRig> {
    const fine = new H1Backend(new Map([['/fine', () => ({ bytes: Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine') })]]));
    await fine.listen();
    const backends: Backend[] = [fine];
    const resources: ir.Resource[] = [listener(), ...cluster('fine', [fine.port])];
    for (const { name, bad, protocol } of cases) {
      const [port, backend] = await listen(bad, slug(name, protocol), protocol);
      if (backend !== null) backends.push(backend);
      resources.push(...toBackend(slug(name, protocol), port, protocol, bad));
    }
    resources.push(route({ name: 'fine', key: 'HTTPRoute/default/fine/0', backends: [routeBackend('fine')] }));
    const logFile = path.join(os.tmpdir(), `weir-bad-backends-${randomUUID()}.log`);
    return new BadRig(await startProxy(resources, LIMITS, logFile), backends, logFile);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.#proxy.close();
    for (const backend of this.#backends) backend.close();
    rmSync(this.#logFile, { force: true });
  }

  /** The name of its route and Service. */
  idOf(name: string, protocol: Protocol): string {
    return slug(name, protocol);
  }

  /** Sends one request to a bad backend. */
  ask(name: string, protocol: Protocol): Promise<Seen> {
    const target = `/${slug(name, protocol)}`;
    return protocol === 'grpc' ? this.#call(target) : this.#get(target);
  }

  async #get(target: string): Promise<Seen> {
    const request = http.get({ port: this.#proxy.port, host: '127.0.0.1', path: target, agent: false });
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    answer.resume();
    answer.on('error', () => undefined);
    if (!answer.closed) await new Promise((resolve) => answer.once('close', resolve));
    return { status: String(answer.statusCode), torn: !answer.complete };
  }

  async #call(target: string): Promise<Seen> {
    const session = openSession(this.#proxy.port);
    const stream = openStream(session, { ...CALL, ':path': target }, false);
    let status = '';
    let begun = false;
    stream.on('response', (head) => {
      begun = head['grpc-status'] === undefined;
      status = String(head['grpc-status'] ?? '');
    });
    stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'])));
    stream.resume();
    stream.end(MESSAGE);
    await new Promise((resolve) => stream.once('close', resolve));
    session.destroy();
    return { status, torn: begun };
  }

  /** Requests to the good backend until `unharmed`, which resolves once one more is answered, and rejects if one failed. */
  bystander(): { unharmed(): Promise<void> } {
    let over = false;
    const run = async (): Promise<void> => {
      for (let last = false; !last;) {
        last = over;
        const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
          http.get({ port: this.#proxy.port, host: '127.0.0.1', path: '/fine', agent: this.#agent }, resolve).on('error', reject);
        });
        answer.resume();
        await once(answer, 'end');
        if (answer.statusCode !== 200) throw new Error(`another route answered ${answer.statusCode}`);
      }
    };
    const done = run();
    done.catch(() => undefined);
    return {
      unharmed: () => {
        over = true;
        return done;
      },
    };
  }

  /** The failures of exchanges, `weir_errors_total CODE`, and of attempts, `weir_upstream_failures_total BACKEND CODE`. */
  counts(): Counts {
    const found = new Map<string, number>();
    for (const name of ['weir_errors_total', 'weir_upstream_failures_total']) {
      const family = this.#proxy.worker.registry.getSingleMetric(name) as unknown as { get(): MetricJson };
      for (const { labels, value } of family.get().values) {
        const id = [name, ...[labels['route'], labels['backend'], labels['code']].filter((label) => label !== undefined)].join(' ');
        found.set(id, (found.get(id) ?? 0) + value);
      }
    }
    return found;
  }

  /** Resolves once nothing is left: no request, no connection, no timer. */
  async clean(): Promise<void> {
    const proxy = this.#proxy;
    this.#agent.destroy();
    await proxy.quiet();
    await until(() => proxy.metric('weir_upstream_requests_pending') === 0, 'no waiting request');
    await until(() => proxy.metric('weir_upstream_connections_open') === 0, 'no connection to a backend');
    await until(() => this.#backends.every(({ open }) => open === 0), 'no connection at a backend');
    await until(() => proxy.worker.timers === 0, 'no timer');
  }

  /** The lines of the log with an error since the last call, once there is one. */
  async failuresLogged(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const lines = (): readonly string[] => readFileSync(this.#logFile, 'utf8').split('\n').slice(this.#logRead, -1);
    const failures = () =>
      lines()
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ error }) => error !== undefined);
    await until(() => failures().length > 0, 'a failure in the log');
    const found = failures();
    this.#logRead += lines().length;
    return found;
  }
}

async function listen(bad: BadBackend, target: string, protocol: Protocol): Promise<readonly [number, Backend | null]> {
  if (bad.connection === 'refuses') return [REFUSING, null];
  if (bad.connection === 'swallows') return [await blackhole(), null];
  const reply = bad.replies[protocol];
  if (reply === undefined) throw new Error(`no reply of ${protocol}`);
  const replies = new Map([[`/${target}`, reply]]);
  const backend = protocol === 'http1' ? new H1Backend(replies) : new H2FrameBackend(replies);
  await backend.listen();
  return [backend.port, backend];
}

function toBackend(name: string, port: number, protocol: Protocol, { deadline }: BadBackend): readonly ir.Resource[] {
  return [
    ...cluster(name, [port], protocol === 'http1' ? 'http1' : 'http2'),
    route({
      name,
      key: `HTTPRoute/default/${name}/0`,
      matches: [pathMatch('Exact', `/${name}`)],
      backends: [routeBackend(name)],
      timeouts: { request: deadline === true ? DEADLINE_MS : null, backendRequest: null },
      ...(protocol === 'grpc' && { http2: true }),
    }),
  ];
}
