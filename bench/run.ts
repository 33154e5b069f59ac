// `npm run bench [-- proxy tls h2c-http1 ...]`: measures, prints a table and keeps the result with commit and machine.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { benchAdmin } from './admin/admin.ts';
import { benchBalancing } from './balancing.ts';
import { benchControl } from './control.ts';
import { benchIdle } from './idle.ts';
import { benchOverload } from './overload.ts';
import { benchPicks } from './picks.ts';
import { benchProxy } from './proxy.ts';
import type { ProxyBenchOptions } from './proxy.ts';
import { benchScale } from './scale.ts';
import { benchWindow } from './window.ts';
import { benchPlugin, benchProtection, benchTokens } from './security.ts';
import { WORKLOADS } from './workloads.ts';
import type { Workload } from './workloads.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '' },
    routes: { type: 'string', default: '100' },
    only: { type: 'string', default: '' },
    sizes: { type: 'string', default: '' },
    baseline: { type: 'string', default: '' },
    folder: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
  },
});

/** The environment of every result, without which a value has no meaning. */
function circumstances(): object {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return { date: new Date().toISOString(), commit, cpu: os.cpus()[0]?.model, cores: os.cpus().length, node: process.version };
}

function keep(name: string, results: unknown): void {
  if (!values.keep) return;
  const file = path.resolve(import.meta.dirname, 'results', `${name}-${new Date().toISOString().slice(0, 10)}.json`);
  writeFileSync(file, `${JSON.stringify({ ...circumstances(), options: values, results }, null, 2)}\n`);
  console.log(`kept in ${path.relative(process.cwd(), file)}`);
}

function proxyOptions(): ProxyBenchOptions {
  return {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    connections: values.connections === '' ? null : Number(values.connections),
    routes: Number(values.routes),
    only: values.only === '' ? [] : values.only.split(','),
    baseline: values.baseline === '' ? null : values.baseline,
  };
}

async function proxy(name: string, workload: Workload): Promise<void> {
  const results = await benchProxy(workload, proxyOptions());
  console.log(name);
  console.table(results.map((row) => rounded({ ...row })));
  keep(name, results);
}

async function security(): Promise<void> {
  const results = {
    protection: await benchProtection(proxyOptions()),
    RS256: await benchTokens('RS256', proxyOptions()),
    ES256: await benchTokens('ES256', proxyOptions()),
  };
  for (const [name, table] of Object.entries(results)) {
    console.log(`security: ${name}`);
    console.table(table.map((row) => rounded({ ...row })));
  }
  keep('security', results);
}

async function plugin(): Promise<void> {
  const results = await benchPlugin(proxyOptions());
  console.table(results.map((row) => rounded({ ...row })));
  keep('plugin', results);
}

/** Formats a value for a table: three digits, and nothing if the tool does not report it. */
function rounded(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const told = Object.entries(row).filter(([, value]) => !Number.isNaN(value));
  return Object.fromEntries(told.map(([key, value]) => [key, typeof value === 'number' ? Number(value.toFixed(3)) : value]));
}

/** Sizes for `scale`. */
const SIZES = [1_000, 10_000];

async function scale(): Promise<void> {
  const results = [];
  for (const routes of SIZES) results.push(await benchScale(routes));
  for (const { change, endpoints, ...all } of results) {
    console.table([rounded(all)]);
    console.table({ 'a route changes': rounded({ ...change }), 'endpoints change': rounded({ ...endpoints }) });
  }
  keep('scale', results);
}

async function idle(): Promise<void> {
  const result = await benchIdle(10_000);
  console.table([rounded({ ...result })]);
  keep('idle', result);
}

/** HTTPRoutes in the API server for `control`. */
const CLUSTER_SIZES = [200, 1_000, 5_000];

async function control(): Promise<void> {
  const sizes = values.sizes === '' ? CLUSTER_SIZES : values.sizes.split(',').map(Number);
  const results = await benchControl(sizes);
  console.table(results.map((row) => rounded({ ...row })));
  keep('control', results);
}

async function balancing(): Promise<void> {
  const results = await benchBalancing(Number(values.seconds), values.only === '' ? [] : values.only.split(','));
  console.table(results.map((row) => rounded({ ...row })));
  keep('balancing', results);
}

async function picks(): Promise<void> {
  const results = benchPicks(Number(values.rounds));
  console.table(results.map((row) => rounded({ ...row })));
  keep('picks', results);
}

async function overload(): Promise<void> {
  const results = await benchOverload(Number(values.seconds), values.only === '' ? [] : values.only.split(','));
  console.table(results.map((row) => rounded({ ...row })));
  keep('overload', results);
}

async function window(): Promise<void> {
  const result = await benchWindow();
  console.table([rounded({ ...result })]);
  keep('window', result);
}

async function admin(): Promise<void> {
  const [entries = 1_000_000, routes = 5_000] = values.sizes === '' ? [] : values.sizes.split(',').map(Number);
  const results = await benchAdmin({ entries, routes, requests: 300, folder: values.folder });
  console.table(results.map((row) => rounded({ ...row })));
  keep('admin', results);
}

const BENCHMARKS: Readonly<Record<string, () => Promise<void>>> = {
  ...Object.fromEntries(Object.entries(WORKLOADS).map(([name, workload]) => [name, () => proxy(name, workload)])),
  ...{ idle, scale, control, picks, balancing, overload, security, plugin, window, admin },
};

for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHMARKS)) {
  const benchmark = BENCHMARKS[name];
  if (benchmark === undefined) throw new Error(`no benchmark named ${name}; there are: ${Object.keys(BENCHMARKS).join(', ')}`);
  await benchmark();
}
