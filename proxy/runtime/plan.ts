// Makes the plan of an IR route: every decision about a route that does not depend on a request is made here.
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

/** The dependencies of plans. */
export interface PlanOptions {
  /** The cluster of a key; the same object as long as the key is in use. */
  readonly cluster: (key: string) => UpstreamCluster;
  readonly filters: FilterDependencies;
}

/** The plans of a route. */
export interface RoutePlans {
  readonly common: RoutePlan;
  /** By key of the listener of a request; null if the listener makes no difference. */
  readonly byListener: ReadonlyMap<string, RoutePlan> | null;
}

/** The plans of a route with these policies. They share the filters. */
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

/** The plan with policies, and a separate plan for each backend with other policies. */
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

/** The plan for a preflight that no CORS filter allows. */
export function refusingPlan(plan: RoutePlan): RoutePlan {
  let refused = refusing.get(plan);
  if (refused === undefined) {
    refused = Object.freeze({ ...plan, requestFilters: [refusedPreflight] });
    refusing.set(plan, refused);
  }
  return refused;
}

/** The settings of the route itself. */
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

/** The plan of a stream route; `settings` has the settings for connections to a cluster (key). */
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

/** Weights of 0 take backends out of use for a while; a rule without backends is a mistake, and the Gateway API requires a 500. */
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
