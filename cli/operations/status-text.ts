// The status of a fleet as text for people: the problems first, then proxies, listeners, backends with their endpoints, and routes.
import { reasonText } from '#api/wire/endpoint-reasons.ts';
import type { FleetStatus, StatusBackend, StatusEndpoint, StatusProxy, StatusRoute } from '../../controller/telemetry/status.ts';
import { millisecondsText, rateText } from './figures.ts';
import { tableOf } from './table.ts';

/** Rows of a table without `--all`: those with problems or traffic first. */
const MAX_ROWS = 20;

/** The text. `all`: every row. */
export function statusText(status: FleetStatus, all: boolean): string {
  const room = all ? Infinity : MAX_ROWS;
  return [
    ...problems(status, room),
    ...titled('Proxies', PROXY_COLUMNS, status.proxies.map(proxyRow), room),
    ...titled('Listeners', ['listener', 'protocol', 'port', 'hostname', 'state'], status.listeners.map(listenerRow), room),
    ...titled('Backends', BACKEND_COLUMNS, busiest(status.backends).flatMap(backendRows), room),
    ...titled('Routes', ['route', 'req/s', 'failed/s', 'p50', 'p99', 'errors since start'], busiest(status.routes).map(routeRow), room),
    ...overrides(status),
  ].join('\n');
}

function problems({ problems: all, version, at, proxies }: FleetStatus, room: number): readonly string[] {
  const reporting = proxies.filter(({ state }) => state === 'reporting').length;
  const head = `Weir ${version} at ${at}: ${reporting} of ${proxies.length} proxies report`;
  if (all.length === 0) return [head, '', 'No problems.'];
  const rows = all.map(({ severity, object, message }) => [severity, object, message]);
  return [head, ...titled('Problems', ['severity', 'object', 'problem'], rows, room)];
}

function titled(title: string, columns: readonly string[], rows: readonly (readonly string[])[], room: number): readonly string[] {
  if (rows.length === 0) return [];
  const hidden = rows.length - room;
  return ['', title, tableOf(columns, rows.slice(0, room)), ...(hidden > 0 ? [`... and ${hidden} more: weir status --all`] : [])];
}

const PROXY_COLUMNS = ['proxy', 'scope', 'state', 'report', 'version', 'revision', 'workers', 'memory', 'lag', 'conns', 'requests'];

function proxyRow(proxy: StatusProxy): readonly string[] {
  const { node, scope, state, reportAgeMs, version, revision, draining } = proxy;
  const name = [node, scope, draining ? `${state}, draining` : state];
  if (state === 'no telemetry') return [...name, '', version];
  const age = reportAgeMs === null ? '' : `${Math.round(reportAgeMs / 1_000)} s ago`;
  const { workers, memory, lagMs, connections, requests } = proxy;
  const sizes = [String(workers), `${Math.round(memory / 1_048_576)} MiB`, millisecondsText(lagMs), String(connections), String(requests)];
  return [...name, age, version, revision.slice(0, 8), ...sizes];
}

function listenerRow({ listener, protocol, port, hostname, unserved }: FleetStatus['listeners'][number]): readonly string[] {
  return [listener, protocol, String(port), hostname || '*', unserved === '' ? 'served' : `not served: ${unserved}`];
}

const BACKEND_COLUMNS = ['backend / endpoint', 'state', 'req/s', 'failed/s', 'p50', 'p99', 'in flight', 'conns', 'why'];

function backendRows(backend: StatusBackend): readonly (readonly string[])[] {
  const { endpoints, requestsPerSecond, failuresPerSecond, p50Ms, p99Ms } = backend;
  const usable = endpoints.filter(({ state }) => ['ready', 'degraded', 'in'].includes(state)).length;
  const rates = [rateText(requestsPerSecond), rateText(failuresPerSecond), millisecondsText(p50Ms), millisecondsText(p99Ms)];
  const sums = [String(sum(endpoints, ({ inFlight }) => inFlight)), String(sum(endpoints, ({ connections }) => connections))];
  const head = [backend.backend, `${usable}/${endpoints.length} usable`, ...rates, ...sums, breakerText(backend)];
  return [head, ...endpoints.map(endpointRow)];
}

function breakerText({ breaker, breakers }: StatusBackend): string {
  if (breaker === '' || breaker === 'closed') return '';
  const count = breakers[breaker] ?? 0;
  return breaker.startsWith('forced-') ? `breaker ${breaker}` : `breaker ${breaker} at ${count}`;
}

function endpointRow(endpoint: StatusEndpoint): readonly string[] {
  const { state, requestsPerSecond, failuresPerSecond, firstByteMs, inFlight, connections, reasons } = endpoint;
  const why = reasons.map(({ reason, count, ageMs }) => `${reasonText(reason)} at ${count} for ${Math.round(ageMs / 1_000)} s`).join(', ');
  const rates = [rateText(requestsPerSecond), rateText(failuresPerSecond), firstByteMs === null ? '' : `~${millisecondsText(firstByteMs)}`];
  return [`  ${endpoint.endpoint}`, state, ...rates, '', String(inFlight), String(connections), why];
}

function routeRow({ route, requestsPerSecond, failuresPerSecond, p50Ms, p99Ms, errors }: StatusRoute): readonly string[] {
  const codes = Object.entries(errors).toSorted(([, one], [, other]) => other - one);
  const worst = codes.slice(0, 3).map(([code, count]) => `${code} ${count}`);
  return [
    route,
    rateText(requestsPerSecond),
    rateText(failuresPerSecond),
    millisecondsText(p50Ms),
    millisecondsText(p99Ms),
    worst.join(', '),
  ];
}

function overrides({ overrides: all }: FleetStatus): readonly string[] {
  const rows = all.map(({ kind, endpoint, backend, state, at }) => [kind, endpoint || backend, state, new Date(at).toISOString()]);
  return titled('Overrides', ['kind', 'object', 'state', 'since'], rows, Infinity);
}

/** Those with most failures first, then those with most requests. */
function busiest<Item extends { readonly failuresPerSecond: number; readonly requestsPerSecond: number }>(
  items: readonly Item[],
): readonly Item[] {
  return items.toSorted((one, other) => other.failuresPerSecond - one.failuresPerSecond || other.requestsPerSecond - one.requestsPerSecond);
}

function sum<Item>(items: readonly Item[], valueOf: (item: Item) => number): number {
  return items.reduce((all, item) => all + valueOf(item), 0);
}
