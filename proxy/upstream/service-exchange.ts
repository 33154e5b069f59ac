// The exchange of a request of the proxy itself to a backend: balanced and sent like that of a client.
import { Exchange } from '../exchange/exchange.ts';
import type { DownstreamConnection } from '../exchange/exchange.ts';
import type { BackendPlan, RoutePlan, UpstreamCluster } from '../exchange/plan.ts';
import type { DownstreamStream } from '../exchange/stream.ts';

/** The head of the request. */
export interface ServiceRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authority: string;
  readonly headers: readonly string[];
}

/** The proxy asks, so there is no connection of a client. */
const OWN: DownstreamConnection = Object.freeze({
  remoteAddress: '127.0.0.1',
  remotePort: 0,
  localAddress: '127.0.0.1',
  localPort: 0,
  protocol: 'http/1.1',
  tls: null,
});

/** An exchange with the head of the request, for a cluster, whose answer goes to `downstream`. */
export function serviceExchange(
  { method, path: target, authority, headers }: ServiceRequest,
  cluster: UpstreamCluster,
  route: RoutePlan,
  downstream: DownstreamStream,
): Exchange {
  const exchange = new Exchange(OWN, downstream, performance.now());
  const [path, query] = splitQuery(target);
  exchange.shadow = true;
  exchange.method = method;
  exchange.authority = authority;
  exchange.host = authority;
  exchange.path = path;
  exchange.query = query ?? '';
  exchange.hasQuery = query !== null;
  exchange.requestHeaders = [...headers];
  exchange.route = route;
  const filters = { requestFilters: null, responseFilters: null, endFilters: null };
  exchange.backend = { cluster, error: null, weight: 1, ...filters, route: null } satisfies BackendPlan;
  return exchange;
}

function splitQuery(path: string): [string, string | null] {
  const mark = path.indexOf('?');
  return mark < 0 ? [path, null] : [path.slice(0, mark), path.slice(mark + 1)];
}
