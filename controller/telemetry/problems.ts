// The problems in a status: what an operator must know at 3 a.m., the worst first, each with the remedy if there is one.
import { reasonText } from '#api/wire/endpoint-reasons.ts';
import type { FleetStatus, StatusBackend, StatusEndpoint, StatusProxy, StatusRoute } from './status.ts';

export interface StatusProblem {
  /** critical: requests fail; warning: they may soon, or the status is incomplete. */
  readonly severity: 'critical' | 'warning';
  /** The object, like `backend Service/shop/cart/80`. */
  readonly object: string;
  readonly message: string;
}

/** A route has a problem from this share of failed requests. */
const FAILING_SHARE = 0.01;
/** Milliseconds of lag of the event loop that clients notice. */
const HIGH_LAG_MS = 100;

/** The problems of a status. `refused`: entries that controllers had no room for. */
export function problemsOf(status: Omit<FleetStatus, 'problems'>, refused: number): readonly StatusProblem[] {
  const problems = [
    ...status.missing.map((name) => warning(`controller ${name}`, 'does not answer; the status lacks the proxies that report to it')),
    ...(status.proxies.some(({ state }) => state !== 'away') ? [] : [critical('proxies', 'no proxy is connected to a controller')]),
    ...status.listeners.flatMap(({ listener, unserved }) =>
      unserved === '' ? [] : [critical(`listener ${listener}`, `is not served: ${unserved}`)],
    ),
    ...status.backends.flatMap(backendProblems),
    ...status.routes.flatMap(routeProblems),
    ...status.proxies.flatMap(proxyProblems),
    ...revisionProblems(status.proxies),
    ...(refused > 0 ? [warning('controller', `had no room for ${refused} reported entries; the status does not show them`)] : []),
  ];
  return problems.toSorted((one, other) => Number(one.severity === 'warning') - Number(other.severity === 'warning'));
}

function critical(object: string, message: string): StatusProblem {
  return { severity: 'critical', object, message };
}

function warning(object: string, message: string): StatusProblem {
  return { severity: 'warning', object, message };
}

function backendProblems(status: StatusBackend): readonly StatusProblem[] {
  const { backend, endpoints, requestsPerSecond, failuresPerSecond } = status;
  const object = `backend ${backend}`;
  const lack = lackOf(endpoints);
  return [
    ...(lack === null ? [] : [critical(object, lack)]),
    ...breakerProblems(object, status),
    ...(isFailing(requestsPerSecond, failuresPerSecond) ? [critical(object, failingText(requestsPerSecond, failuresPerSecond))] : []),
    ...endpoints.flatMap((endpoint) => endpointProblems(backend, endpoint)),
  ];
}

/** What the endpoints of a backend lack all together; null if some of them are well. */
function lackOf(endpoints: readonly StatusEndpoint[]): string | null {
  if (endpoints.length === 0) return 'has no endpoint';
  if (endpoints.every(({ state }) => state === 'out')) return 'has no endpoint that an operator does not force out';
  if (endpoints.some(({ state }) => ['ready', 'degraded', 'in'].includes(state))) return null;
  // Proxies keep serving: a reason that would exclude all endpoints has no effect.
  return endpoints.length === 1 ? 'its only endpoint is not healthy' : `none of its ${endpoints.length} endpoints is healthy`;
}

function breakerProblems(object: string, { backend, breaker, breakers }: StatusBackend): readonly StatusProblem[] {
  const at = breakers[breaker] === 1 ? '1 proxy' : `${breakers[breaker] ?? 0} proxies`;
  switch (breaker) {
    case 'forced-open':
    case 'forced-closed':
      return [warning(object, `an operator forces its breaker ${breaker.slice('forced-'.length)}; weir breaker auto ${backend} ends that`)];
    case 'open':
      return [critical(object, `its breaker is open at ${at}`)];
    case 'half-open':
      return [warning(object, `its breaker is half-open at ${at}: some requests pass on trial`)];
    case 'closed':
    case '':
      return [];
  }
}

function endpointProblems(backend: string, { endpoint, state, reasons }: StatusEndpoint): readonly StatusProblem[] {
  const object = `endpoint ${endpoint} of ${backend}`;
  if (state === 'out' || state === 'in')
    return [warning(object, `an operator forces it ${state}; weir endpoint auto ${endpoint} ends that`)];
  return reasons.map(({ reason, count, proxies, ageMs }) => {
    const seconds = Math.round(ageMs / 1_000);
    const more = count > proxies.length ? ', ...' : '';
    return warning(
      object,
      `is ${reasonText(reason)} at ${count === 1 ? 'proxy' : `${count} proxies:`} ${proxies.join(', ')}${more} for ${seconds} s`,
    );
  });
}

function routeProblems({ route, requestsPerSecond, failuresPerSecond }: StatusRoute): readonly StatusProblem[] {
  if (!isFailing(requestsPerSecond, failuresPerSecond)) return [];
  return [critical(`route ${route}`, failingText(requestsPerSecond, failuresPerSecond))];
}

function isFailing(requestsPerSecond: number, failuresPerSecond: number): boolean {
  return failuresPerSecond > 0 && failuresPerSecond >= FAILING_SHARE * requestsPerSecond;
}

function failingText(requestsPerSecond: number, failuresPerSecond: number): string {
  const share = Math.min(100, (failuresPerSecond / Math.max(failuresPerSecond, requestsPerSecond)) * 100);
  return `${share.toFixed(share < 10 ? 1 : 0)} % of ${requestsPerSecond.toFixed(1)} requests per second failed in the last minute`;
}

function proxyProblems({ node, scope, state, reportAgeMs, draining, lagMs }: StatusProxy): readonly StatusProblem[] {
  const object = `proxy ${node}${scope === 'shared' ? '' : ` of ${scope}`}`;
  const age = reportAgeMs === null ? 'no report yet' : `last report ${Math.round(reportAgeMs / 1_000)} s ago`;
  return [
    ...(state === 'late' ? [warning(object, `is late: ${age}`)] : []),
    ...(state === 'away' ? [warning(object, `is away: ${age}`)] : []),
    ...(state === 'no telemetry'
      ? [warning(object, 'does not report: it is of an earlier release, or its telemetry stream cannot open')]
      : []),
    ...(draining ? [warning(object, 'drains')] : []),
    ...(lagMs > HIGH_LAG_MS ? [warning(object, `its event loop lags by ${Math.round(lagMs)} ms`)] : []),
  ];
}

/** Proxies of one scope serve one revision, but for moments. */
function revisionProblems(proxies: readonly StatusProxy[]): readonly StatusProblem[] {
  const present = proxies.filter(({ state, revision }) => state === 'reporting' && revision !== '');
  return [...Map.groupBy(present, ({ scope }) => scope)].flatMap(([scope, all]) => {
    const revisions = new Set(all.map(({ revision }) => revision)).size;
    return revisions > 1 ? [warning(`proxies of ${scope}`, `serve ${revisions} different revisions of the configuration`)] : [];
  });
}
