// The cost of protection: Weir plain, and with one thing more, in one interleaved run; and the first verification of signed tokens, beside
// Envoy. All peers of a run get the same requests.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TokenSigner } from './load/tokens.ts';
import type { TokenAlgorithm } from './load/tokens.ts';
import { wrkWith } from './load/wrk.ts';
import type { Load } from './load/load.ts';
import { envoy, verifyingEnvoy } from './peers/envoy.ts';
import { keyedWeir, limitedWeir, pluginWeir, tokenWeir } from './peers/secured-weir.ts';
import { weir } from './peers/weir.ts';
import { accepting, end, freePort, startPinned } from './process.ts';
import { benchProxy } from './proxy.ts';
import type { PeerResult, ProxyBenchOptions } from './proxy.ts';
import type { Peer } from './scenario.ts';
import { WORKLOADS } from './workloads.ts';
import type { Workload } from './workloads.ts';

const LOAD_CORE = 1;
const REDIS = '/usr/bin/redis-server';
/** More than the tokens that Weir remembers, so that each one is verified anew. */
const TOKENS = 12_000;

/** A row of the tables. */
export interface SecurityResult {
  readonly peer: string;
  /** CPU time per request. */
  readonly micros: number;
  /** What the peer takes more than the same peer without its protection: per request, and as a percentage of the plain figure. */
  readonly moreMicros: number;
  readonly morePercent: number;
  readonly requestsPerSecond: number;
  readonly errors: number;
}

/** The cost of each protection of Weir. */
export async function benchProtection(options: ProxyBenchOptions): Promise<readonly SecurityResult[]> {
  if (!existsSync(REDIS)) throw new Error('install first: apt-get install redis-server');
  const port = await freePort();
  const redis = startPinned(LOAD_CORE, REDIS, ['--port', String(port), '--bind', '127.0.0.1', '--save', '']);
  await accepting(port, redis);
  const signer = new TokenSigner('RS256');
  const key = randomBytes(24).toString('base64url');
  const peers = [
    weir,
    limitedWeir('weir-limit', 'Local'),
    keyedWeir('weir-api-key', key),
    tokenWeir('weir-jwt', signer.keySet),
    limitedWeir('weir-redis-limit', 'Redis', ['--redis-url', `redis://127.0.0.1:${port}`]),
  ];
  const load = wrkWith([`x-api-key: ${key}`, `authorization: Bearer ${signer.token()}`]);
  try {
    return await rows(peers, load, options);
  } finally {
    await end(redis);
  }
}

/** The cost of a plugin that reads and writes headers. */
export function benchPlugin(options: ProxyBenchOptions): Promise<readonly SecurityResult[]> {
  return rows([weir, pluginWeir('weir-plugin')], wrkWith([]), options);
}

/** The cost of tokens that a peer has not seen, beside Envoy, which remembers none. */
export async function benchTokens(algorithm: TokenAlgorithm, options: ProxyBenchOptions): Promise<readonly SecurityResult[]> {
  const signer = new TokenSigner(algorithm);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-tokens-'));
  const [tokens, script] = [path.join(folder, 'tokens'), path.join(folder, 'tokens.lua')];
  writeFileSync(tokens, Array.from({ length: TOKENS }, () => signer.token()).join('\n'));
  writeFileSync(script, scriptOf(tokens));
  const peers = [weir, tokenWeir(`weir-${algorithm}`, signer.keySet), envoy, verifyingEnvoy(`envoy-${algorithm}`, signer.keySet)];
  try {
    return await rows(peers, wrkWith([], script), options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each request has the next token of the file, over and over. */
function scriptOf(file: string): string {
  return `local requests, count, at = {}, 0, 0
function init(args)
  for token in io.lines(${JSON.stringify(file)}) do
    wrk.headers['authorization'] = 'Bearer ' .. token
    count = count + 1
    requests[count] = wrk.format()
  end
end
function request()
  at = at % count + 1
  return requests[at]
end
`;
}

async function rows(peers: readonly Peer[], load: Load, options: ProxyBenchOptions): Promise<readonly SecurityResult[]> {
  const workload: Workload = { ...(WORKLOADS['proxy'] as Workload), peers, load };
  const results = await benchProxy(workload, options);
  return results.map((result) => rowOf(result, peers, results));
}

function rowOf(
  { peer, micros, ratioToPlain = 1, requestsPerSecond, errors }: PeerResult,
  peers: readonly Peer[],
  all: readonly PeerResult[],
): SecurityResult {
  const plain = peers.find(({ name }) => name === peer)?.plain ?? peer;
  const without = all.find((other) => other.peer === plain)?.micros ?? Number.NaN;
  return { peer, micros, moreMicros: micros - without, morePercent: (ratioToPlain - 1) * 100, requestsPerSecond, errors };
}
