// The effect of balancers if one of several endpoints is ten times slower: the times of requests, with the algorithms of each peer.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Pool } from 'undici';
import { envoy } from './peers/envoy.ts';
import { haproxy } from './peers/haproxy.ts';
import { weir } from './peers/weir.ts';
import { accepting, end, freePort, startPinned } from './process.ts';
import { routePath } from './scenario.ts';
import type { Algorithm, Peer } from './scenario.ts';

const ENDPOINTS = 16;
const CONNECTIONS = 48;
/** The balancers learn, and the code is compiled. */
const WARM_UP_MS = 1_000;
const ORIGIN = path.resolve(import.meta.dirname, 'origins', 'one-at-a-time.ts');

const CASES: readonly (readonly [peer: Peer, algorithm: Algorithm])[] = [
  [haproxy, 'round robin'],
  [haproxy, 'least request'],
  [envoy, 'round robin'],
  [envoy, 'least request'],
  [weir, 'round robin'],
  [weir, 'least request'],
  [weir, 'peak ewma'],
];

/** Milliseconds of requests by quantile, and requests per second. */
export interface BalancingResult {
  readonly peer: string;
  readonly algorithm: Algorithm;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly perSecond: number;
}

/** Measures one case after the other. `only`: names of peers; empty for all. */
export async function benchBalancing(seconds: number, only: readonly string[]): Promise<BalancingResult[]> {
  const ports = await freePorts(ENDPOINTS);
  const origin = startPinned(1, process.execPath, [ORIGIN, ...ports.map(String)]);
  await Promise.all(ports.map((port) => accepting(port, origin)));
  const results: BalancingResult[] = [];
  for (const [peer, algorithm] of CASES) {
    if (only.length > 0 && !only.includes(peer.name)) continue;
    const missing = peer.missing();
    if (missing !== null) console.log(`without ${peer.name}: ${missing}`);
    else results.push(await measure(peer, algorithm, ports, seconds));
  }
  await end(origin);
  return results;
}

async function measure(peer: Peer, algorithm: Algorithm, ports: readonly number[], seconds: number): Promise<BalancingResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-balancing-'));
  const listenPort = await freePort();
  const common = { folder, listenPort, routes: 10, upgrades: false, certificate: null, downstream: 'http1', upstream: 'http1' } as const;
  const { file, args, env } = peer.command({ ...common, originPort: ports[0] as number, balancing: { ports, algorithm } });
  const child = startPinned(0, file, args, { env });
  await accepting(listenPort, child);
  const times = await load(listenPort, seconds);
  await end(child);
  rmSync(folder, { recursive: true, force: true });
  const at = (quantile: number): number => times[Math.min(times.length - 1, Math.floor(times.length * quantile))] ?? NaN;
  return { peer: peer.name, algorithm, p50: at(0.5), p99: at(0.99), most: at(1), perSecond: times.length / seconds };
}

/** The times of all requests after the warm-up, sorted. Each connection sends its next request after the answer. */
async function load(port: number, seconds: number): Promise<Float64Array> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS });
  const begin = performance.now() + WARM_UP_MS;
  const until = begin + seconds * 1_000;
  const times: number[] = [];
  const client = async (): Promise<void> => {
    for (let start = performance.now(); start < until; start = performance.now()) {
      const { statusCode, body } = await pool.request({ path: `${routePath(5)}/`, method: 'GET' });
      await body.dump();
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      if (start >= begin) times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  await pool.close();
  return Float64Array.from(times).sort();
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
