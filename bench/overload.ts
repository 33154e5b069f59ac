// Overload: an origin with a known capacity behind each peer, at 0.9 times and at three times that rate. The peers have the same limits of
// connections and queue. Goodput is the rate of good answers in time; one request of ten is critical.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runOpenLoop } from './load/open-loop.ts';
import type { OpenLoopResult } from './load/open-loop.ts';
import { envoy } from './peers/envoy.ts';
import { haproxy } from './peers/haproxy.ts';
import { weir } from './peers/weir.ts';
import { accepting, end, freePort, residentMiB, startPinned } from './process.ts';
import { routePath } from './scenario.ts';
import type { Peer, Scenario } from './scenario.ts';

const [PEER_CORE, LOAD_CORE] = [0, 1];
/** The origin: 1,600 requests per second. */
const [SLOTS, WORK_MS] = [16, 10];
const CAPACITY = (SLOTS * 1_000) / WORK_MS;
const PATIENCE_MS = 500;
const LIMITS = { connections: 2 * SLOTS, pending: 8 * SLOTS, pendingMs: PATIENCE_MS / 2 };
const PEERS = [haproxy, envoy, weir];
const [NORMAL, OVERLOAD] = [0.9, 3];

/** One row of the table; rates per second, times in milliseconds. */
export interface OverloadResult {
  readonly peer: string;
  /** Goodput at the lower rate, and under overload. */
  readonly before: number;
  readonly goodput: number;
  /** The latter as a share of the capacity of the origin, which is the peak of any peer; the goal is 0.85. */
  readonly share: number;
  /** Share of the critical requests with a good answer in time, and their 99th percentile before and under overload. */
  readonly critical: number;
  readonly criticalP99Before: number;
  readonly criticalP99: number;
  /** Memory before and after the overload. */
  readonly mibBefore: number;
  readonly mib: number;
}

/** Runs every peer once, each rate for `seconds`. `only`: names of peers; empty: all. */
export async function benchOverload(seconds: number, only: readonly string[]): Promise<readonly OverloadResult[]> {
  const results: OverloadResult[] = [];
  for (const peer of PEERS) {
    if (only.length > 0 && !only.includes(peer.name)) continue;
    const missing = peer.missing();
    if (missing === null) results.push(await measure(peer, seconds));
    else console.log(`${peer.name}: ${missing}`);
  }
  return results;
}

async function measure(peer: Peer, seconds: number): Promise<OverloadResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-overload-'));
  const [listenPort, originPort] = [await freePort(), await freePort()];
  const traffic = { downstream: 'http1', upstream: 'http1', upgrades: false, certificate: null } as const;
  const scenario: Scenario = { ...traffic, listenPort, originPort, folder, routes: 1, limits: LIMITS };
  const origin = startPinned(LOAD_CORE, process.execPath, [
    path.resolve(import.meta.dirname, 'origins', 'limited.ts'),
    ...[originPort, SLOTS, WORK_MS].map(String),
  ]);
  const { file, args, env } = peer.command(scenario);
  const child = startPinned(PEER_CORE, file, args, { env });
  try {
    await Promise.all([accepting(originPort, origin), accepting(listenPort, child)]);
    const run = (rate: number, time: number): Promise<OpenLoopResult> =>
      runOpenLoop(LOAD_CORE, {
        ...{ port: listenPort, path: `${routePath(0)}/item`, rate: rate * CAPACITY, seconds: time },
        ...{ criticalEvery: 10, patience: PATIENCE_MS },
      });
    await run(NORMAL, 2);
    const before = await run(NORMAL, seconds);
    // Compiles the path of refusals, and fills the queues once, before the memory is read.
    await run(OVERLOAD, 2);
    await wait(PATIENCE_MS);
    const mibBefore = residentMiB(child.pid ?? 0);
    const after = await run(OVERLOAD, seconds);
    return row(peer.name, seconds, { before, after, mibBefore, mib: residentMiB(child.pid ?? 0) });
  } finally {
    await Promise.all([end(child), end(origin)]);
    rmSync(folder, { recursive: true });
  }
}

interface Measured {
  readonly before: OpenLoopResult;
  readonly after: OpenLoopResult;
  readonly mibBefore: number;
  readonly mib: number;
}

function row(peer: string, seconds: number, { before, after, mibBefore, mib }: Measured): OverloadResult {
  const good = ({ critical, other }: OpenLoopResult): number => (critical.good + other.good) / seconds;
  const goodput = good(after);
  const { critical } = after;
  const times = { criticalP99Before: before.critical.p99, criticalP99: critical.p99 };
  return {
    peer,
    before: good(before),
    goodput,
    share: goodput / CAPACITY,
    critical: critical.good / critical.due,
    ...times,
    mibBefore,
    mib,
  };
}
