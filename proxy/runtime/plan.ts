// IR route > plan: everything about a route that can be decided before a request comes is decided here.
import { isDeepStrictEqual } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import type { PolicyIndex } from '#api/policy/layers.ts';
import { ERRORS, type ExchangeError } from '../exchange/errors.ts';
import type { BackendPlan, RoutePlan, UpstreamCluster } from '../exchange/plan.ts';
import { buildRequestChain, buildResponseChain } from '../filter/chain.ts';
import { refusedPreflight } from '../filter/refused-preflight.ts';
import type { StreamBackendPlan, StreamCluster, StreamPlan } from '../exchange/stream-plan.ts';
import { forwardingOf, forwardSettings, type ForwardSettings, type StreamForwardSettings } from './backend-traffic.ts';
import type { FilterDependencies } from '../filter/chain.ts';

/** What plans are made with. */
export interface PlanOptions {
  /** The cluster of a key; the same object for as long as the key is in use. */
  readonly cluster: (key: string) => UpstreamCluster;
  readonly filters: FilterDependencies;
}

/** The plans of a route. */
export interface RoutePlans {
  readonly common: RoutePlan;
  /** By key of the listener that a request came in at; null where that makes no difference. */
  readonly byListener: ReadonlyMap<string, RoutePlan> | null;
}

/** The plans of a route under these policies. Filters are shared by all of them. */
export function buildPlans(route: ir.Route, policies: PolicyIndex, options: PlanOptions): RoutePlans {
  const common = buildPlan(route, options);
  if (policies.isEmpty) return { common, byListener: null };
  const distinct = new Map<string, RoutePlan>();
  const byListener = new Map(
    route.attachments.map(({ listener }) => {
      const settings = (cluster: string | null): ForwardSettings => forwardingOf(policies, route, listener, cluster);
      const signature = JSON.stringify([settings(null), ...common.backends.map(({ cluster }) => settings(cluster?.key ?? null))]);
      const plan = distinct.get(signature) ?? withSettings(common, settings);
      distinct.set(signature, plan);
      return [listener, plan] as const;
    }),
  );
  const [first = common] = distinct.values();
  return distinct.size <= 1 ? { common: first, byListener: null } : { common: first, byListener };
}

/** The plan with what policies say, and with a plan of its own for each backend where they say otherwise. */
function withSettings(plan: RoutePlan, settingsOf: (cluster: string | null) => ForwardSettings): RoutePlan {
  const settings = settingsOf(null);
  const shared = Object.freeze({ ...plan, ...settings });
  const backends = plan.backends.map((backend) => {
    const own = settingsOf(backend.cluster?.key ?? null);
    return isDeepStrictEqual(own, settings) ? backend : Object.freeze({ ...backend, route: Object.freeze({ ...shared, ...own }) });
  });
  return Object.freeze({ ...shared, backends });
}

const refusing = new WeakMap<RoutePlan, RoutePlan>();

/** The plan for a preflight that no CORS may answer. */
export function refusingPlan(plan: RoutePlan): RoutePlan {
  let refused = refusing.get(plan);
  if (refused === undefined) {
    refused = Object.freeze({ ...plan, requestFilters: [refusedPreflight] });
    refusing.set(plan, refused);
  }
  return refused;
}

/** What the route says by itself. */
function buildPlan(route: ir.Route, options: PlanOptions): RoutePlan {
  const backends = route.backends.filter((backend) => backend.weight > 0).map((backend) => buildBackend(backend, options));
  return Object.freeze({
    key: route.key,
    error: route.invalidReason === undefined ? null : ERRORS.routeInvalid,
    requestFilters: buildRequestChain(route.filters, options.filters),
    responseFilters: buildResponseChain(route.filters, options.filters),
    backends,
    totalWeight: backends.reduce((sum, backend) => sum + backend.weight, 0),
    nothingDrawn: nothingDrawn(route),
    ...forwardSettings(route, {}),
  });
}

/** The plan of a stream route; `settings` say how connections to a cluster (key) are made. */
export function buildStreamPlan(
  route: ir.StreamRoute,
  cluster: (key: string) => StreamCluster,
  settings: (cluster: string) => StreamForwardSettings,
): StreamPlan {
  const backends = route.backends.filter(({ weight }) => weight > 0);
  return Object.freeze({
    key: route.key,
    backends: backends.map(({ cluster: key, weight }): StreamBackendPlan =>
      key === null ? { cluster: null, weight, proxyProtocol: 0 } : { cluster: cluster(key), weight, ...settings(key) },
    ),
    totalWeight: backends.reduce((sum, { weight }) => sum + weight, 0),
    nothingDrawn: nothingDrawn(route),
  });
}

/** Weights of 0 are how an owner takes backends out for a while; a rule without backends is a mistake, and the Gateway API wants a 500. */
function nothingDrawn({ backends }: ir.Route | ir.StreamRoute): ExchangeError {
  return backends.length === 0 ? ERRORS.noBackends : ERRORS.weightsZero;
}

function buildBackend(backend: ir.RouteBackend, options: PlanOptions): BackendPlan {
  return Object.freeze({
    cluster: backend.cluster === null ? null : options.cluster(backend.cluster),
    error: backend.cluster === null ? ERRORS.backendInvalid : null,
    weight: backend.weight,
    requestFilters: buildRequestChain(backend.filters, options.filters),
    responseFilters: buildResponseChain(backend.filters, options.filters),
    route: null,
  });
}
