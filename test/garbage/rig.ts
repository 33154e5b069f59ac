// A proxy with a listener for every protocol in front of the backends, and clients that make one connection each.
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { cut } from '../../proxy/codec/h1/cut.ts';
import type { MetricJson } from '#lib/metric.ts';
import { TestCa } from '../support/certificates.ts';
import { cluster, listener, pathMatch, backend as routeBackend, route, startProxy, streamBackend, streamRoute } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { H1_REPLIES, H1Backend, H2_REPLIES, H2FrameBackend, TCP_REPLIES, TcpBackend } from './backends.ts';
import type { Backend } from './backends.ts';
import type { Life } from './lives.ts';
import { beside, TLS_REPLIES, TlsBackend } from './tls-backends.ts';

const PORTS = { http: 80, tcp: 81, https: 82, nowhere: 83 } as const;
/** Labels of failures in the metrics. */
const FAILURES = ['weir_errors_total', 'weir_stream_failures_total', 'weir_tls_handshakes_total', 'weir_http2_connection_errors_total'];
/** Labels of the traffic. */
const ORIGIN = ['gateway', 'listener', 'route', 'version'];
/** A port without a listener. */
const REFUSING = 1;

export class Rig {
  readonly proxy: Proxy;
  readonly #backends: readonly Backend[];
  readonly #logFile: string | null;
  #logRead = 0;

  private constructor(proxy: Proxy, backends: readonly Backend[], logFile: string | null) {
    this.proxy = proxy;
    this.#backends = backends;
    this.#logFile = logFile;
  }

  /** `logged`: with an access log, for `errorsLogged`. */
  static async start(logged: boolean): Promise<Rig> {
    const [h1, h2, tcp] = [new H1Backend(H1_REPLIES), new H2FrameBackend(H2_REPLIES), new TcpBackend(TCP_REPLIES)];
    const ca = await TestCa.create();
    const { certificate, privateKey } = await ca.issue('test', 'IP:127.0.0.1,DNS:test');
    const logFile = logged ? path.join(os.tmpdir(), `weir-garbage-${randomUUID()}.log`) : null;
    const files = { certificate: readFileSync(certificate, 'utf8'), privateKey: readFileSync(privateKey, 'utf8') };
    const keys = { cert: files.certificate, key: files.privateKey };
    const secured = Object.entries(TLS_REPLIES).map(([name, reply]) => ({ name, server: new TlsBackend(reply, keys) }));
    const backends = [h1, h2, tcp, ...secured.map(({ server }) => server)];
    for (const each of backends) await each.listen();
    const proxy = await startProxy(
      [
        { kind: 'TrustBundle', key: AUTHORITY, certificates: readFileSync(ca.certificate, 'utf8') },
        ...secured.flatMap(({ name, server }) => toSecured(name, server.port, at('http'))),
        { kind: 'Secret', key: 'default/cert', ...files },
        ...LISTENERS,
        ...[
          ...cluster('h1', [h1.port]),
          ...cluster('h2', [h2.port], 'http2'),
          ...cluster('tcp', [tcp.port]),
          ...cluster('nowhere', [REFUSING]),
        ],
        route({ name: 'h1', attachments: [...at('http'), ...at('https')], backends: [routeBackend('h1')] }),
        route({ name: 'h2', attachments: at('http'), matches: [pathMatch('PathPrefix', '/h2')], backends: [routeBackend('h2')] }),
        streamRoute({ name: 'tcp', attachments: at('tcp'), backends: [streamBackend('tcp')] }),
        streamRoute({
          name: 'nowhere',
          key: 'TCPRoute/default/nowhere/0',
          attachments: at('nowhere'),
          backends: [streamBackend('nowhere')],
        }),
      ],
      { poolIdleTimeout: 100, upstreamIdleTimeout: 5_000, maxConnectionsPerEndpoint: 4_096 },
      logFile ?? 'off',
    );
    await ca.remove();
    return new Rig(proxy, backends, logFile);
  }

  async close(): Promise<void> {
    await this.proxy.close();
    for (const backend of this.#backends) backend.close();
    if (this.#logFile !== null) rmSync(this.#logFile, { force: true });
  }

  /** Failures counted so far: `metric label`. */
  failures(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const name of FAILURES) {
      const family = this.proxy.worker.registry.getSingleMetric(name) as unknown as { get(): MetricJson };
      for (const { labels, value } of family.get().values) {
        const kind = Object.entries(labels).filter(([label]) => !ORIGIN.includes(label));
        const id = [name, ...kind.map(([, text]) => text)].join(' ');
        if (labels['result'] !== 'completed') found.set(id, (found.get(id) ?? 0) + value);
      }
    }
    return found;
  }

  /** Error codes in log lines since the last call, once there is this number of them. */
  async errorsLogged(count: number): Promise<string[]> {
    const lines = (): string[] =>
      readFileSync(this.#logFile as string, 'utf8')
        .split('\n')
        .slice(this.#logRead, -1);
    const codes = (): string[] => lines().flatMap((line) => (JSON.parse(line) as { error?: string }).error ?? []);
    await until(() => codes().length >= count, `${count} errors in the log`);
    const found = codes();
    this.#logRead += lines().length;
    return found;
  }

  /** Resolves once no connection of a client is left. */
  async settled(): Promise<void> {
    await this.proxy.quiet();
    await until(() => this.proxy.metric('weir_stream_connections_active') === 0, 'no stream connection');
  }

  /** Resolves once no connection has resources left. */
  async clean(): Promise<void> {
    const { proxy } = this;
    await this.settled();
    await until(() => proxy.metric('weir_upstream_connections_open') === 0, 'no connection to a backend');
    await until(() => this.#backends.every(({ open }) => open === 0), 'no connection at a backend');
    await until(() => proxy.worker.timers === 0, 'no timer');
  }

  /** Runs one connection; resolves when it is closed. */
  live(life: Life): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const raw = net.connect({ port: this.proxy.worker.boundPort(PORTS[life.on]) as number, host: '127.0.0.1', noDelay: true });
    const socket =
      life.tls === true ? tls.connect({ socket: beside(raw), rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] }) : raw;
    const end = once(() => {
      for (const { arrivals } of this.#backends) arrivals.delete(end);
      if (life.ends === 'backend-resets') for (const backend of this.#backends) backend.reset();
      finish(raw, socket, life);
    });
    if (life.when === 'request') for (const { arrivals } of this.#backends) arrivals.add(end);
    socket.once(life.tls === true ? 'secureConnect' : 'connect', () => {
      if (life.send.length > 0) socket.write(life.send);
      if (life.when === 'sent') end();
    });
    socket.on('data', (chunk: Buffer) => {
      if (life.when === 'bytes' || (life.when === 'answer' && chunk.includes('ok'))) end();
    });
    socket.on('error', () => undefined);
    raw.on('error', () => undefined);
    raw.on('close', () => {
      for (const { arrivals } of this.#backends) arrivals.delete(end);
      socket.destroy();
      resolve();
    });
    return promise;
  }
}

const TERMINATE = { mode: 'Terminate' } as const;
const AUTHORITY = 'ConfigMap/default/ca';

const on = (name: keyof typeof PORTS) => ({ key: `default/gateway/${name}`, port: PORTS[name] });
const at = (name: keyof typeof PORTS) => [{ listener: `default/gateway/${name}`, hostnames: [''] }];

const LISTENERS: readonly ir.Listener[] = [
  listener(on('http')),
  listener({ ...on('tcp'), protocol: 'TCP' }),
  listener({ ...on('nowhere'), protocol: 'TCP' }),
  listener({ ...on('https'), protocol: 'HTTPS', tls: { ...TERMINATE, certificates: ['default/cert'] } }),
];

/** A route to a backend with TLS, by its name. */
function toSecured(name: string, port: number, attachments: ir.Attachment[]): ir.Resource[] {
  const upstreamTls: ir.UpstreamTls = {
    ...{ serverName: 'test', subjectAltNames: [{ type: 'Hostname', value: 'test' }] },
    authorities: [AUTHORITY],
  };
  const matches = [pathMatch('PathPrefix', `/tls/${name}`)];
  return [
    ...cluster(name, [port]).map((each) => (each.kind === 'Cluster' ? { ...each, tls: upstreamTls } : each)),
    route({ name: `tls-${name}`, key: `HTTPRoute/default/tls-${name}/0`, attachments, matches, backends: [routeBackend(name)] }),
  ];
}

function finish(raw: net.Socket, socket: net.Socket, life: Life): void {
  if (life.then !== undefined) raw.write(life.then);
  if (life.ends === 'reset') cut(raw);
  else if (life.ends === 'end') socket.end();
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
