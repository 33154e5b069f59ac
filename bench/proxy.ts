// Proxying: each peer alone on core 0, load and origin on core 1. Rounds are interleaved, so that disturbances of the machine affect all
// peers. The result is CPU time per request; ratios are computed per round.
import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { envoy } from './peers/envoy.ts';
import { floor } from './peers/floor.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import { undici } from './peers/undici.ts';
import { weir, weirOf } from './peers/weir.ts';
import { accepting, cpuMicros, cpuTicks, end, freePort, residentMiB, startPinned, startReader } from './process.ts';
import type { CpuTicks } from './process.ts';
import { routePath } from './scenario.ts';
import type { Peer, Scenario } from './scenario.ts';
import type { Workload } from './workloads.ts';

const PROXY_CORE = 0;
const LOAD_CORE = 1;
/** The suffix of a peer's name with its access log. */
const LOG = '-log';
const PEERS: readonly Peer[] = [haproxy, weir, floor, nginx, envoy, undici];

/** One peer in one round. */
interface Sample {
  /** CPU time per request, and its two parts. */
  readonly micros: number;
  readonly user: number;
  readonly system: number;
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

/** A peer over all rounds; medians. */
export interface PeerResult extends Sample {
  readonly peer: string;
  readonly ratioToHaproxy: number;
  readonly ratioToFloor: number;
  /** Ratios to the same peer without its log, and to HAProxy with its log; only if logs are measured. */
  readonly ratioToUnlogged?: number;
  readonly ratioToHaproxyLog?: number;
  /** Ratio to the same peer without what this one does more; only if there is such a peer. */
  readonly ratioToPlain?: number;
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
  /** Replaces the number of the workload, if given. */
  readonly connections: number | null;
  readonly routes: number;
  readonly only: readonly string[];
  /** Another checkout of Weir (folder), measured as the peer `baseline`; null without. */
  readonly baseline: string | null;
}

/** Runs the benchmark and returns a row per peer. */
export async function benchProxy(workload: Workload, options: ProxyBenchOptions): Promise<readonly PeerResult[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-bench-'));
  try {
    return await measure(folder, workload, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, workload: Workload, options: ProxyBenchOptions): Promise<readonly PeerResult[]> {
  const toolMissing = workload.origin.missing() ?? workload.load.missing();
  if (toolMissing !== null) throw new Error(`install first: ${toolMissing}`);
  const originPort = await freePort();
  const originCommand = workload.origin.command(folder, originPort);
  const originChild = startPinned(LOAD_CORE, originCommand.file, originCommand.args);
  await accepting(originPort, originChild);
  const running = await startPeers(folder, originPort, workload, options);
  for (let round = 0; round <= options.rounds; round++) {
    await runRound(inTurn(running, round), { folder, workload, options, discard: round === 0 });
  }
  const results = running.map((entry) => summarize(entry, running));
  for (const entry of running) await end(entry.child);
  await end(originChild);
  return results;
}

async function startPeers(folder: string, originPort: number, workload: Workload, options: ProxyBenchOptions): Promise<Running[]> {
  const running: Running[] = [];
  const { downstream, upstream, upgrades, tls } = workload;
  const certificate = tls ? createCertificate(folder) : null;
  for (const peer of chosenPeers(workload, options)) {
    if (!peer.carries(workload)) continue;
    const missing = peer.missing();
    if (missing !== null) {
      console.log(`left out ${peer.name}: ${missing}`);
      continue;
    }
    const port = await freePort();
    const command = peer.command({
      listenPort: port,
      originPort,
      folder,
      routes: options.routes,
      downstream,
      upstream,
      upgrades,
      certificate,
    });
    const stdout = peer.logs === true ? startReader(LOAD_CORE, path.join(folder, `${peer.name}.pipe`)) : null;
    const child = startPinned(PROXY_CORE, command.file, command.args, { env: command.env, stdout });
    // The reader ends with its last writer.
    if (stdout !== null) closeSync(stdout);
    await accepting(port, child);
    running.push({ peer, child, port, samples: [], memoryMiB: 0 });
  }
  return running;
}

function chosenPeers({ peers = PEERS }: Workload, { only, baseline }: ProxyBenchOptions): readonly Peer[] {
  const chosen = peers.filter(({ name }) => only.length === 0 || only.includes(name));
  if (baseline === null) return chosen;
  const logged = peers.some(({ logs }) => logs === true) ? [weirOf(`baseline${LOG}`, baseline, true)] : [];
  return [...chosen, weirOf('baseline', baseline), ...logged];
}

/** ECDSA, the most common type on the Web; it does not affect kept connections. */
function createCertificate(folder: string): NonNullable<Scenario['certificate']> {
  const [certificate, privateKey] = [path.join(folder, 'bench.crt'), path.join(folder, 'bench.key')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', privateKey];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certificate, '-days', '2', '-subj', '/CN=bench'], { stdio: 'ignore' });
  return { certificate, privateKey };
}

/** The order of peers changes results by up to a tenth: each peer is first in turn, and every other round is reversed. */
function inTurn<T>(items: readonly T[], round: number): readonly T[] {
  const first = (round >> 1) % items.length;
  const order = [...items.slice(first), ...items.slice(0, first)];
  return round % 2 === 0 ? order : order.reverse();
}

interface Round {
  readonly folder: string;
  readonly workload: Workload;
  readonly options: ProxyBenchOptions;
  /** Warms up caches and compilers; its results are dropped. */
  readonly discard: boolean;
}

async function runRound(running: readonly Running[], { folder, workload, options, discard }: Round): Promise<void> {
  const { tls, load } = workload;
  const path = `${routePath(Math.floor(options.routes / 2))}/items?page=2`;
  const target = { path, tls, folder, seconds: options.seconds, connections: options.connections ?? workload.connections };
  for (const entry of running) {
    const pid = entry.child.pid ?? 0;
    const [before, ticksBefore] = [cpuMicros(pid), cpuTicks(pid)];
    const result = await load.run(LOAD_CORE, { ...target, port: entry.port });
    const [after, ticks] = [cpuMicros(pid), cpuTicks(pid)];
    const micros = (after - before) / result.requests;
    const userShare = shareOfUser(ticksBefore, ticks);
    entry.memoryMiB = residentMiB(pid);
    if (discard) continue;
    entry.samples.push({
      micros,
      user: micros * userShare,
      system: micros * (1 - userShare),
      requestsPerSecond: result.requests / result.seconds,
      p50: result.p50,
      p99: result.p99,
      errors: result.errors,
    });
  }
}

/** The share of user time in the CPU time between two readings. */
function shareOfUser(before: CpuTicks, after: CpuTicks): number {
  const user = after.user - before.user;
  return user / (user + after.system - before.system);
}

/** Median of the ratios round by round. */
function ratioTo(name: string, entry: Running, all: readonly Running[]): number {
  const reference = all.find((other) => other.peer.name === name);
  return median(entry.samples.map((sample, round) => sample.micros / (reference?.samples[round]?.micros ?? Number.NaN)));
}

function logRatios(entry: Running, all: readonly Running[]): Pick<PeerResult, 'ratioToUnlogged' | 'ratioToHaproxyLog'> {
  if (entry.peer.logs !== true) return {};
  const unlogged = entry.peer.name.slice(0, -LOG.length);
  return { ratioToUnlogged: ratioTo(unlogged, entry, all), ratioToHaproxyLog: ratioTo(`haproxy${LOG}`, entry, all) };
}

function summarize(entry: Running, all: readonly Running[]): PeerResult {
  const middle = (pick: (sample: Sample) => number): number => median(entry.samples.map(pick));
  return {
    peer: entry.peer.name,
    micros: middle((sample) => sample.micros),
    user: middle((sample) => sample.user),
    system: middle((sample) => sample.system),
    ratioToHaproxy: ratioTo('haproxy', entry, all),
    ratioToFloor: ratioTo('floor', entry, all),
    ...logRatios(entry, all),
    ...(entry.peer.plain === undefined ? {} : { ratioToPlain: ratioTo(entry.peer.plain, entry, all) }),
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
