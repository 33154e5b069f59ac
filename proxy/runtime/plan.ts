// Makes the plan of an IR route: every decision about a route that does not depend on a request is made here.
import { isDeepStrictEqual } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import { requestTargets, type PolicyIndex } from '#api/policy/layers.ts';
import { describeProblem, problemsInForce } from '#api/policy/problems.ts';
import { KeyedSessions } from '../cluster/session/rule-sessions.ts';
import type { SessionKeys } from '../cluster/session/session-keys.ts';
import { STANDARD, type ClusterSettings } from '../cluster/settings.ts';
import type { ClusterVariant } from '../cluster/variant.ts';
import { ERRORS, unresolvedPolicy, type ExchangeError } from '../exchange/errors.ts';
import type { BackendPlan, RoutePlan } from '../exchange/plan.ts';
import type { Filter } from '../filter/filter.ts';
import type { Chain, FilterPool } from '../filter/filter-pool.ts';
import { refusedPreflight } from '../filter/refused-preflight.ts';
import { RulePolicies } from '../filter/rule-policies.ts';
import type { StreamBackendPlan, StreamPlan } from '../exchange/stream-plan.ts';
import type { RouteTelemetries } from './telemetry/route-telemetries.ts';
import { forwardSettings, presentedBy, useOf, type BackendUse, type StreamBackendUse } from './backend-traffic.ts';
import { sessionSettings } from './backend-traffic/session-persistence.ts';

export type FindVariant = (key: string, settings: ClusterSettings) => ClusterVariant;

export type CertificateOf = (listener: string) => string | null;

/** The dependencies of plans. */
export interface PlanOptions {
  /** The cluster of a key for uses with these settings; the same object as long as the key and the settings are in use. */
  readonly cluster: FindVariant;
  readonly filters: Pick<FilterPool, 'chain' | 'refusals'>;
  readonly sessionKeys: SessionKeys;
  /** The key of the Secret with the certificate that requests of a listener (key) present to backends; null without one. */
  readonly certificateOf: CertificateOf;
  readonly telemetries: RouteTelemetries;
}

/** The plans of a route. */
export interface RoutePlans {
  readonly common: RoutePlan;
  /** By key of the listener of a request; null if the listener makes no difference. */
  readonly byListener: ReadonlyMap<string, RoutePlan> | null;
  /** The clusters and filters that they refer to. */
  readonly variants: ReadonlySet<ClusterVariant>;
  readonly filters: ReadonlySet<Filter>;
}

/** The plans of a route with these policies. */
export function buildPlans(route: ir.Route, policies: PolicyIndex, options: PlanOptions): RoutePlans {
  const { cluster, filters, referred } = noteReferences(options);
  const rule = buildRule(route, { ...options, cluster, filters });
  const { plan: common } = rule;
  if (policies.isEmpty) return { common, byListener: null, ...referred };
  const distinct = new Map<string, RoutePlan>();
  const byListener = new Map(
    route.attachments.map(({ listener }) => {
      const useIn = (key: string | null): BackendUse => presentedBy(options.certificateOf(listener), useOf(policies, route, listener, key));
      const error = common.error ?? unresolved(policies, route, listener);
      const ofRule = new RulePolicies(policies, route, listener);
      // Policies with problems make no filters.
      const chain = error === null ? filters.chain(route.filters, ofRule) : filters.refusals(route.filters, ofRule);
      const uses = [null, ...rule.all.map(({ cluster: each }) => each?.key ?? null)].map(useIn);
      const telemetry = options.telemetries.of(policies, route, listener);
      const fallbacks = uses.map(({ fallback }) => fallback && useIn(fallback));
      const signature = JSON.stringify([error, chain.id, uses, fallbacks, telemetry?.id]);
      const plan = distinct.get(signature) ?? withSettings({ ...rule, plan: { ...common, error, telemetry } }, { chain, useIn, cluster });
      distinct.set(signature, plan);
      return [listener, plan] as const;
    }),
  );
  const [first = common] = distinct.values();
  return { common: first, byListener: distinct.size <= 1 ? null : byListener, ...referred };
}

/** The same options, and all clusters and filters that plans get from them. */
function noteReferences({ cluster: find, filters: pool }: PlanOptions): Pick<PlanOptions, 'cluster' | 'filters'> & {
  readonly referred: Pick<RoutePlans, 'variants' | 'filters'>;
} {
  const variants = new Set<ClusterVariant>();
  const filters = new Set<Filter>();
  const noted = (chain: Chain): Chain => {
    for (const filter of chain.filters) filters.add(filter);
    return chain;
  };
  return {
    cluster: (key, settings) => {
      const variant = find(key, settings);
      variants.add(variant);
      return variant;
    },
    filters: {
      chain: (own, policies) => noted(pool.chain(own, policies)),
      refusals: (own, policies) => noted(pool.refusals(own, policies)),
    },
    referred: { variants, filters },
  };
}

/** Requests are refused while a policy that protects them has a problem. */
function unresolved(policies: PolicyIndex, route: ir.Route, listener: string): ExchangeError | null {
  const problems = problemsInForce(policies, requestTargets(route, listener, null));
  const [nearest] = problems;
  return nearest === undefined ? null : unresolvedPolicy(nearest.policy, problems.map(describeProblem).join('; '));
}

/** A rule as it is without policies. */
interface Rule {
  readonly plan: RoutePlan;
  /** Its backends, also those with weight 0: they continue sessions. */
  readonly all: readonly BackendPlan[];
  readonly sessions: (uses: readonly BackendUse[]) => KeyedSessions | null;
}

/** What policies add to a rule at a listener. */
interface PolicyEffects {
  readonly chain: Chain;
  /** By key of a cluster; null before the choice. */
  readonly useIn: (cluster: string | null) => BackendUse;
  readonly cluster: FindVariant;
}

/** The plan with policies, and a separate plan for each backend with other policies. */
function withSettings({ plan, all, sessions: make }: Rule, effects: PolicyEffects): RoutePlan {
  const { chain, useIn, cluster: find } = effects;
  const first = useIn(null);
  const uses = all.map((backend) => useIn(backend.cluster?.key ?? null));
  const sessions = make(uses);
  const shared = { ...plan, sessions, ...filtersOf(chain), lastFilters: chain.last };
  const planFor = (use: BackendUse, halves: Halves): RoutePlan => {
    const fallbackBackend = use.fallback === null ? null : { ...halves, ...fallbackOf(use, use.fallback, shared, effects) };
    return Object.freeze({ ...shared, ...use.forward, fallbackBackend: fallbackBackend && Object.freeze(fallbackBackend) });
  };
  const backends = all.map((backend, i) => {
    const own = uses[i] as BackendUse;
    const cluster = backend.cluster === null ? null : find(backend.cluster.key, own.cluster);
    const { responseFilters, endFilters } = backend;
    const needsOwn = own.fallback !== first.fallback || (own.fallback !== null && (responseFilters ?? endFilters) !== null);
    const route = needsOwn || !isDeepStrictEqual(own.forward, first.forward) ? planFor(own, { responseFilters, endFilters }) : null;
    return cluster === backend.cluster && route === null ? backend : Object.freeze({ ...backend, cluster, route });
  });
  addBackends(sessions, backends, uses);
  return Object.freeze({ ...planFor(first, NO_HALVES), backends: backends.filter(({ weight }) => weight > 0) });
}

/** The filters of the first backend for the answer and the end of its exchanges: they have seen the request, also if another one answers. */
type Halves = Pick<BackendPlan, 'responseFilters' | 'endFilters'>;
const NO_HALVES: Halves = { responseFilters: null, endFilters: null };

/**
 * The backend (key) that gets the requests of a use that its own backend does not answer. The request keeps its deadline, the speed of its
 * bodies and its fixed answer. It has no further fallback, so that fallbacks form no circle.
 */
function fallbackOf(
  { forward }: BackendUse,
  key: string,
  shared: RoutePlan,
  { useIn, cluster: find }: PolicyEffects,
): Omit<BackendPlan, keyof Halves> {
  const own = useIn(key);
  const { requestTimeout, timeoutHeader, bandwidth, fallback } = forward;
  const kept = { requestTimeout, timeoutHeader, bandwidth, fallback };
  const without = { hedge: null, faults: null, sessions: null, fallbackBackend: null };
  const route = Object.freeze({ ...shared, ...own.forward, ...kept, ...without });
  return { cluster: find(key, own.cluster), error: null, weight: 0, requestFilters: null, route };
}

function addBackends(sessions: KeyedSessions | null, backends: readonly BackendPlan[], uses: readonly Pick<BackendUse, 'session'>[]): void {
  if (sessions === null) return;
  for (const [i, backend] of backends.entries()) {
    const settings = uses[i]?.session ?? null;
    if (settings !== null && backend.cluster !== null) sessions.add(backend, settings);
  }
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

function filtersOf({ request, response, end }: Chain): Pick<BackendPlan, 'requestFilters' | 'responseFilters' | 'endFilters'> {
  return { requestFilters: request, responseFilters: response, endFilters: end };
}

/** The rule with its own settings. */
function buildRule(route: ir.Route, options: PlanOptions): Rule {
  const all = route.backends.map((backend) => buildBackend(backend, options));
  const makeSessions = (uses: readonly Pick<BackendUse, 'session'>[]): KeyedSessions | null =>
    uses.every(({ session }) => session === null) ? null : new KeyedSessions(options.sessionKeys, route);
  const own = all.map(() => ({ session: sessionSettings(route.sessionPersistence, {}) }));
  const sessions = makeSessions(own);
  addBackends(sessions, all, own);
  return { plan: buildPlan(route, all, sessions, options), all, sessions: makeSessions };
}

function buildPlan(route: ir.Route, all: readonly BackendPlan[], sessions: RoutePlan['sessions'], { filters }: PlanOptions): RoutePlan {
  const backends = all.filter(({ weight }) => weight > 0);
  const chain = filters.chain(route.filters, null);
  return Object.freeze({
    key: route.key,
    error: route.invalidReason === undefined ? null : ERRORS.routeInvalid,
    ...filtersOf(chain),
    lastFilters: chain.last,
    backends,
    totalWeight: backends.reduce((sum, backend) => sum + backend.weight, 0),
    nothingDrawn: nothingDrawn(route),
    sessions,
    ...forwardSettings(route, {}),
    fallbackBackend: null,
    pathTemplate: pathTemplateOf(route),
    telemetry: null,
  });
}

function pathTemplateOf({ matches: [first, ...others] }: ir.Route): string {
  if (first === undefined || others.some(({ path }) => path.type !== first.path.type || path.value !== first.path.value)) return '';
  const { type, value } = first.path;
  if (type === 'PathPrefix') return value.endsWith('/') ? `${value}*` : `${value}/*`;
  return type === 'Exact' ? value : '';
}

const toServices = { usual: planToService(false), http2: planToService(true) };

/** The plan of requests of the proxy itself; `http2`: in that protocol, whatever that of the cluster is. */
export function servicePlan(protocol: 'http2' | null): RoutePlan {
  return protocol === null ? toServices.usual : toServices.http2;
}

function planToService(http2: boolean): RoutePlan {
  const settings = forwardSettings({ timeouts: { request: null, backendRequest: null }, retry: null, ...(http2 ? { http2 } : {}) }, {});
  const none = {
    requestFilters: null,
    lastFilters: null,
    ...NO_HALVES,
    sessions: null,
    fallbackBackend: null,
    pathTemplate: '',
    telemetry: null,
    error: null,
  };
  return Object.freeze({ key: '', ...none, backends: [], totalWeight: 0, nothingDrawn: ERRORS.noBackends, ...settings });
}

/** The plan of a stream route; `useOf` has the settings for connections to a cluster (key). */
export function buildStreamPlan(route: ir.StreamRoute, find: FindVariant, useOf: (cluster: string) => StreamBackendUse): StreamPlan {
  const planOf = ({ cluster: key, weight }: ir.StreamRoute['backends'][number]): StreamBackendPlan => {
    if (key === null) return { cluster: null, weight, proxyProtocol: 0, bandwidth: null };
    const use = useOf(key);
    return { cluster: find(key, use.cluster), weight, ...use.forward };
  };
  const backends = route.backends.filter(({ weight }) => weight > 0).map(planOf);
  return Object.freeze({
    key: route.key,
    backends,
    totalWeight: backends.reduce((sum, { weight }) => sum + weight, 0),
    nothingDrawn: nothingDrawn(route),
  });
}

/** Weights of 0 take backends out of use for a while; a rule without backends is a mistake, and the Gateway API requires a 500. */
function nothingDrawn({ backends }: ir.Route | ir.StreamRoute): ExchangeError {
  return backends.length === 0 ? ERRORS.noBackends : ERRORS.weightsZero;
}

function buildBackend(backend: ir.RouteBackend, options: PlanOptions): BackendPlan {
  const chain = options.filters.chain(backend.filters, null);
  return Object.freeze({
    cluster: backend.cluster === null ? null : options.cluster(backend.cluster, STANDARD),
    error: backend.cluster === null ? ERRORS.backendInvalid : null,
    weight: backend.weight,
    ...filtersOf(chain),
    route: null,
  });
}
