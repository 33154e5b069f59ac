// The cost of the matcher. Run it with `node --expose-gc api/match/table.bench.ts`: it prints nanoseconds per find, bytes
// per route, and microseconds to change one route, for tables of several sizes.
import type { Route } from '#api/ir/ir.ts';
import { normaliseHost, normalisePath } from './normalise.ts';
import { buildTable, type MatchRequest, type RouteTable } from './table.ts';
import { equals, exact, get, listener, on, prefix, regex, route } from './testdata/make.ts';

const FINDS = 2_000_000;
const BROWSER_HEADERS = [
  ...['host', 'x', 'user-agent', 'Mozilla/5.0', 'accept', '*/*', 'accept-language', 'en', 'accept-encoding', 'gzip'],
  ...['cookie', 'a=b', 'x-tenant', '7', 'x-request-id', '0123456789', 'content-type', 'application/json'],
];

/** Ten routes per host, as in a service mesh of APIs. */
function manyHosts(count: number): Route[] {
  return range(count, (i) => {
    const parts = { attachments: [on('http', `api-${Math.floor(i / 10)}.example.com`)] };
    const paths = [exact(`/v1/users/${i % 10}`), prefix(`/v1/things-${i % 10}`), prefix(`/v2/${i % 10}`, { method: 'GET' })];
    return route(`r${i}`, [paths[i % 3] ?? prefix('/')], parts);
  });
}

/** All routes on one host, with different paths. */
function oneHost(count: number): Route[] {
  return range(count, (i) => route(`r${i}`, [prefix(`/team-${i % 50}/service-${i}`)], { attachments: [on('http', 'example.com')] }));
}

/** One route per wildcard host. */
function wildcards(count: number): Route[] {
  return range(count, (i) => route(`r${i}`, [prefix('/')], { attachments: [on('http', `*.tenant-${i}.example.com`)] }));
}

/** Ten variants of each path, with different headers. */
function variants(count: number): Route[] {
  return range(count, (i) =>
    route(`r${i}`, [prefix(`/app-${Math.floor(i / 10)}`, { headers: [equals('x-tenant', String(i % 10))] })], {
      attachments: [on('http', 'example.com')],
    }),
  );
}

/** A tenth of the routes have regular expressions. */
function expressions(count: number): Route[] {
  return range(count, (i) => {
    const parts = { attachments: [on('http', `api-${Math.floor(i / 10)}.example.com`)] };
    return route(`r${i}`, [i % 10 === 0 ? regex(`/v1/u[0-9]+/${i}`) : prefix(`/v1/things-${i % 10}`)], parts);
  });
}

interface Scenario {
  readonly name: string;
  readonly routes: (count: number) => Route[];
  readonly request: (i: number) => MatchRequest;
}

const scenarios: readonly Scenario[] = [
  { name: 'many hosts', routes: manyHosts, request: (i) => ask(`api-${Math.floor(i / 10)}.example.com`, pathOf(i)) },
  { name: 'one host', routes: oneHost, request: (i) => ask('example.com', `/team-${i % 50}/service-${i}/a/b`) },
  { name: 'wildcard hosts', routes: wildcards, request: (i) => ask(`www.tenant-${i}.example.com`, '/a/b/c') },
  { name: 'header variants', routes: variants, request: (i) => ask('example.com', `/app-${Math.floor(i / 10)}/x`) },
  { name: 'expressions', routes: expressions, request: (i) => ask(`api-${Math.floor(i / 10)}.example.com`, `/v1/things-${(i % 9) + 1}/x`) },
];

function pathOf(i: number): string {
  return [`/v1/users/${i % 10}`, `/v1/things-${i % 10}/a/b`, `/v2/${i % 10}/c`][i % 3] ?? '/';
}

function ask(host: string, path: string): MatchRequest {
  return get(path, { host, headers: BROWSER_HEADERS });
}

function range<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/**
 * New strings for each find, as in a codec: their hash is not known yet, and they are not the literals of the
 * table. The cost of creating them is measured separately and subtracted.
 */
function fresh(bytes: Buffer, end: number): string {
  return bytes.latin1Slice(0, end);
}

interface Wire {
  readonly request: MatchRequest;
  readonly host: Buffer;
  readonly path: Buffer;
}

function nanosecondsPerFind(table: RouteTable, requests: readonly MatchRequest[]): { known: number; fresh: number } {
  const wires = requests.map((request) => ({ request, host: Buffer.from(request.host), path: Buffer.from(request.path) }));
  const scratch = { ...get(''), headers: BROWSER_HEADERS };
  let hits = 0;
  const run = (step: (wire: Wire) => void): number => {
    const started = process.hrtime.bigint();
    for (let i = 0; i < FINDS; i++) step(wires[i % wires.length] as Wire);
    return Number(process.hrtime.bigint() - started) / FINDS;
  };
  const fill = (wire: Wire): void => {
    scratch.host = fresh(wire.host, wire.host.length);
    scratch.path = fresh(wire.path, wire.path.length);
  };
  const findKnown = (wire: Wire): void => void (table.find(wire.request) !== null && hits++);
  const findFresh = (wire: Wire): void => (fill(wire), void (table.find(scratch) !== null && hits++));
  for (const step of [fill, findKnown, findFresh]) run(step);
  const known = run(findKnown);
  const filled = run(fill);
  const result = { known, fresh: run(findFresh) - filled };
  if (hits !== 4 * FINDS) throw new Error(`${4 * FINDS - hits} requests found no route`);
  return result;
}

function microsecondsPerChange(table: RouteTable, routes: readonly Route[]): number {
  const rounds = 500;
  let current = table;
  const change = (i: number): void => {
    const old = routes[(i * 7919) % routes.length] as Route;
    current = current.with({ routes: [{ ...old, createdAt: i }] });
  };
  for (let i = 0; i < rounds; i++) change(i);
  const started = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) change(i);
  return Number(process.hrtime.bigint() - started) / rounds / 1000;
}

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function measure(scenario: Scenario, count: number): void {
  const routes = scenario.routes(count);
  const port = [listener('http')];
  const before = heapUsed();
  const started = process.hrtime.bigint();
  const table = buildTable(port, routes);
  const built = Number(process.hrtime.bigint() - started) / 1e6;
  const bytes = (heapUsed() - before) / count;
  const { known, fresh: unknown } = nanosecondsPerFind(
    table,
    range(Math.min(count, 1000), (i) => scenario.request(i)),
  );
  const change = microsecondsPerChange(table, routes);
  const cells = [known.toFixed(0), unknown.toFixed(0), bytes.toFixed(0), built.toFixed(1), change.toFixed(1)];
  process.stdout.write(`${scenario.name.padEnd(16)}${String(count).padStart(7)}${cells.map((cell) => cell.padStart(10)).join('')}\n`);
}

function measureNormalise(): void {
  for (const raw of ['/v1/users/42/orders', '/v1/caf%C3%A9/menu', '/a/%7euser/../b']) {
    let length = 0;
    const started = process.hrtime.bigint();
    for (let i = 0; i < FINDS; i++) length += (normalisePath(raw) ?? '').length + (normaliseHost('api-7.example.com:8080') ?? '').length;
    const ns = Number(process.hrtime.bigint() - started) / FINDS;
    process.stdout.write(`normalise path and host ${raw}: ${ns.toFixed(0)} ns (${length > 0 ? 'ok' : 'null'})\n`);
  }
}

process.stdout.write('scenario         routes   ns/find  ns/fresh   B/route  ms/build µs/change\n');
for (const scenario of scenarios) for (const count of [100, 1000, 10000]) measure(scenario, count);
measureNormalise();
