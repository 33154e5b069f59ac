// One run of the official suite against a cluster. The results come from its Go tests, since its own report counts parallel tests as passed
// before they have run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Cluster } from '../cluster/cluster.ts';
import { poolAddresses } from '../cluster/node/address-plan.ts';
import { GATEWAY_CLASS, VERSION } from './installation.ts';
import { TestResults } from './results.ts';
import type { TestResult } from './results.ts';
import { SUITE } from './tools.ts';

/** All profiles for gateways. */
export const PROFILES = ['GATEWAY-HTTP', 'GATEWAY-GRPC', 'GATEWAY-TLS', 'GATEWAY-TCP', 'GATEWAY-UDP'];
/** Number of parallel tests; they mostly wait. */
const PARALLEL = 8;
const DEADLINE_MINUTES = 30;
/** TEST-NET-3 of RFC 5737, which no real network uses. */
const UNUSABLE_ADDRESS = '203.0.113.1';

export interface SuiteOptions {
  /** Names of tests; all when empty. */
  readonly only: readonly string[];
  /** Path of the file that gets the report. */
  readonly report: string;
  /** Called at the end of each test. */
  readonly onResult: (result: TestResult) => void;
}

/** Runs the suite; its other output goes to standard error. */
export async function runSuite(cluster: Cluster, options: SuiteOptions): Promise<TestResults> {
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const command = ['tool', 'test2json', '-t', path.join(SUITE.folder, 'suite'), ...goFlags(options.only), ...suiteFlags(cluster, options)];
  // It ends with its parent, even if that is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'go', ...command], {
    cwd: SUITE.folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const results = new TestResults();
  for await (const line of createInterface({ input: child.stdout })) {
    const result = results.add(line);
    if (result !== null) options.onResult(result);
  }
  await closed;
  return results;
}

function goFlags(only: readonly string[]): string[] {
  const run = only.length === 0 ? '^TestConformance$' : `^TestConformance$/^(${only.join('|')})$`;
  return ['-test.v=test2json', `-test.run=${run}`, `-test.parallel=${PARALLEL}`, `-test.timeout=${DEADLINE_MINUTES}m`];
}

/** The GatewayClass declares the features to test. */
function suiteFlags(cluster: Cluster, { report }: SuiteOptions): string[] {
  const flags = {
    'gateway-class': GATEWAY_CLASS,
    'conformance-profiles': PROFILES.join(','),
    'report-output': report,
    organization: 'weir',
    project: 'weir',
    url: 'https://weir.dev',
    version: `v${VERSION}`,
    contact: 'https://weir.dev/contact',
    'usable-address': poolAddresses(cluster.plan).at(-1) ?? '',
    'unusable-address': UNUSABLE_ADDRESS,
    'cleanup-base-resources': 'false',
  };
  return Object.entries(flags).map(([name, value]) => `-${name}=${value}`);
}
