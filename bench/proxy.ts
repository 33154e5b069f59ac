// Proxying a small GET: each peer alone on core 0, load and origin on core 1, rounds interleaved so that what disturbs the
// machine disturbs all of them. The figure is CPU time per request; ratios are taken round by round.
import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { load, loadMissing } from './load.ts';
import { envoy } from './peers/envoy.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx, origin } from './peers/nginx.ts';
import { undici } from './peers/undici.ts';
import { weir } from './peers/weir.ts';
import { accepting, cpuMicros, end, freePort, residentMiB, startPinned } from './process.ts';
import { routePath } from './scenario.ts';
import type { Peer, Scenario } from './scenario.ts';

const PROXY_CORE = 0;
const LOAD_CORE = 1;
const PEERS: readonly Peer[] = [haproxy, weir, nginx, envoy, undici];

/** One peer in one round. */
interface Sample {
  readonly micros: number;
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

/** A peer over all rounds; medians. */
export interface PeerResult extends Sample {
  readonly peer: string;
  readonly ratioToHaproxy: number;
  readonly memoryMiB: number;
}

interface Running {
  readonly peer: Peer;
  readonly child: ChildProcess;
  readonly port: number;
  readonly samples: Sample[];
  memoryMiB: number;
}

/** Options of the benchmark. */
export interface ProxyBenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly routes: number;
  readonly only: readonly string[];
  /** Load comes in over TLS 1.3, on connections that are kept; peers that terminate it only. */
  readonly tls: boolean;
}

/** Runs the benchmark and returns a row per peer. */
export async function benchProxy(options: ProxyBenchOptions): Promise<readonly PeerResult[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-bench-'));
  try {
    return await measure(folder, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, options: ProxyBenchOptions): Promise<readonly PeerResult[]> {
  const toolMissing = origin.missing() ?? loadMissing();
  if (toolMissing !== null) throw new Error(`install first: ${toolMissing}`);
  const originPort = await freePort();
  const originCommand = origin.command(folder, originPort);
  const originChild = startPinned(LOAD_CORE, originCommand.file, originCommand.args);
  await accepting(originPort, originChild);
  const running = await startPeers(folder, originPort, options);
  for (let round = 0; round <= options.rounds; round++) await runRound(running, options, round === 0);
  const results = running.map((entry) => summarize(entry, running));
  for (const entry of running) await end(entry.child);
  await end(originChild);
  return results;
}

async function startPeers(folder: string, originPort: number, options: ProxyBenchOptions): Promise<Running[]> {
  const running: Running[] = [];
  const certificate = options.tls ? createCertificate(folder) : undefined;
  for (const peer of PEERS) {
    if (options.tls && !peer.terminatesTls) continue;
    if (options.only.length > 0 && !options.only.includes(peer.name)) continue;
    const missing = peer.missing();
    if (missing !== null) {
      console.log(`left out ${peer.name}: ${missing}`);
      continue;
    }
    const port = await freePort();
    const command = peer.command({ listenPort: port, originPort, folder, routes: options.routes, ...(certificate && { certificate }) });
    const child = startPinned(PROXY_CORE, command.file, command.args, command.env);
    await accepting(port, child);
    running.push({ peer, child, port, samples: [], memoryMiB: 0 });
  }
  return running;
}

/** ECDSA, as most of the Web has by now; what kept connections cost does not depend on it. */
function createCertificate(folder: string): NonNullable<Scenario['certificate']> {
  const [certificate, privateKey] = [path.join(folder, 'bench.crt'), path.join(folder, 'bench.key')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', privateKey];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certificate, '-days', '2', '-subj', '/CN=bench'], { stdio: 'ignore' });
  return { certificate, privateKey };
}

/** The first round warms caches and compilers up and is thrown away. */
async function runRound(running: readonly Running[], options: ProxyBenchOptions, discard: boolean): Promise<void> {
  for (const entry of running) {
    const url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${entry.port}${routePath(Math.floor(options.routes / 2))}/items?page=2`;
    const before = cpuMicros(entry.child.pid ?? 0);
    const result = await load(LOAD_CORE, url, options);
    const micros = (cpuMicros(entry.child.pid ?? 0) - before) / result.requests;
    entry.memoryMiB = residentMiB(entry.child.pid ?? 0);
    if (discard) continue;
    entry.samples.push({
      micros,
      requestsPerSecond: result.requests / result.seconds,
      p50: result.p50,
      p99: result.p99,
      errors: result.errors,
    });
  }
}

function summarize(entry: Running, all: readonly Running[]): PeerResult {
  const reference = all.find((other) => other.peer.name === 'haproxy');
  const ratios = entry.samples.map((sample, round) => sample.micros / (reference?.samples[round]?.micros ?? Number.NaN));
  const middle = (pick: (sample: Sample) => number): number => median(entry.samples.map(pick));
  return {
    peer: entry.peer.name,
    micros: middle((sample) => sample.micros),
    ratioToHaproxy: median(ratios),
    requestsPerSecond: middle((sample) => sample.requestsPerSecond),
    p50: middle((sample) => sample.p50),
    p99: middle((sample) => sample.p99),
    errors: entry.samples.reduce((sum, sample) => sum + sample.errors, 0),
    memoryMiB: entry.memoryMiB,
  };
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const high = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[half - 1] ?? Number.NaN)) / 2;
}
