// Applies BackendTrafficPolicies in a proxy: how the requests of a rule are forwarded, merged once per change.
import type * as ir from '#api/ir/ir.ts';
import { requestTargets, type PolicyIndex, type TargetedRoute } from '#api/policy/layers.ts';
import { mergePolicies } from '#api/policy/merge.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { StreamBackendPlan } from '../exchange/stream-plan.ts';
import type { ProxyProtocol, RoutePlan } from '../exchange/plan.ts';
import { bandwidthPlan } from './backend-traffic/bandwidth.ts';
import { fallbackPlan } from './backend-traffic/fallback.ts';
import { faultPlan } from './backend-traffic/fault-injection.ts';
import type { SessionSettings } from '../cluster/session/rule-sessions.ts';
import type { ClusterSettings } from '../cluster/settings.ts';
import { clusterSettings } from './backend-traffic/cluster.ts';
import { hedgePlan } from './backend-traffic/hedge.ts';
import { priorityPlan } from './backend-traffic/priority.ts';
import { queuePlan } from './backend-traffic/queue.ts';
import { retryBudget, retryPlan } from './backend-traffic/retry.ts';
import { sessionSettings } from './backend-traffic/session-persistence.ts';
import { webSocketPlan } from './backend-traffic/web-socket.ts';

type BackendTraffic = PolicySettings<'BackendTrafficPolicy'>;

/** The part of a plan that policies set. */
export type ForwardSettings = Pick<
  RoutePlan,
  | 'protocol'
  | 'proxyProtocol'
  | 'requestTimeout'
  | 'backendRequestTimeout'
  | 'timeoutHeader'
  | 'retry'
  | 'retryBudget'
  | 'hedge'
  | 'webSocket'
  | 'faults'
  | 'priority'
  | 'queue'
  | 'bandwidth'
  | 'fallback'
>;

/** How the requests of a rule use a backend. */
export interface BackendUse {
  readonly forward: ForwardSettings;
  readonly cluster: ClusterSettings;
  /** Null: it keeps no sessions. */
  readonly session: SessionSettings | null;
  /** The key of the cluster that gets requests without an answer; null: none does. */
  readonly fallback: string | null;
}

/** The same for the connections of a stream route. */
export interface StreamBackendUse {
  readonly forward: Pick<StreamBackendPlan, 'proxyProtocol' | 'bandwidth'>;
  readonly cluster: ClusterSettings;
}

/** The internal names of the policy's protocols. */
const PROTOCOLS = { HTTP1: 'http1', HTTP2: 'http2', BACKEND: null } as const;
const PROXY_PROTOCOLS = { None: 0, V1: 1, V2: 2 } as const;

/** Settings of the rule win; settings without a value are off. One line per setting. */
export function forwardSettings(route: Pick<ir.Route, 'timeouts' | 'retry' | 'http2'>, policy: BackendTraffic): ForwardSettings {
  const { timeouts, retry } = route;
  return {
    protocol: route.http2 === true ? 'http2' : PROTOCOLS[policy.protocol ?? 'BACKEND'],
    proxyProtocol: proxyProtocolOf(policy),
    ...timeoutSettings(timeouts, policy.timeouts),
    retry: retryPlan(retry, policy.retry),
    retryBudget: retryBudget(policy.retry),
    hedge: hedgePlan(policy.hedge),
    webSocket: webSocketPlan(policy.webSocket),
    faults: faultPlan(policy.faultInjection),
    priority: priorityPlan(policy.priority),
    queue: queuePlan(policy.queue),
    bandwidth: bandwidthPlan(policy.bandwidth),
    fallback: fallbackPlan(policy.fallback),
  };
}

type TimeoutSettings = Pick<ForwardSettings, 'requestTimeout' | 'backendRequestTimeout' | 'timeoutHeader'>;

function timeoutSettings(rule: ir.RouteTimeouts, policy: BackendTraffic['timeouts'] = {}): TimeoutSettings {
  return {
    requestTimeout: rule.request ?? policy.request ?? 0,
    backendRequestTimeout: rule.backendRequest ?? policy.backendRequest ?? 0,
    timeoutHeader: policy.requestHeader?.toLowerCase() ?? null,
  };
}

function proxyProtocolOf({ proxyProtocol = 'None' }: BackendTraffic): ProxyProtocol {
  return PROXY_PROTOCOLS[proxyProtocol];
}

/**
 * How requests that arrive at a listener (key) and match a rule use a backend (key of its cluster; null before the choice).
 */
export function useOf(policies: PolicyIndex, route: ir.Route, listener: string, cluster: string | null): BackendUse {
  const policy = mergedFor(policies, route, listener, cluster);
  const session = sessionSettings(route.sessionPersistence, policy);
  const fallback = policy.fallback?.backendRef?.cluster ?? null;
  return { forward: forwardSettings(route, policy), cluster: clusterSettings(policy), session, fallback };
}

/** The same for the connections of a stream route. */
export function streamUseOf(policies: PolicyIndex, route: ir.StreamRoute, listener: string, cluster: string): StreamBackendUse {
  const policy = mergedFor(policies, route, listener, cluster);
  const forward = { proxyProtocol: proxyProtocolOf(policy), bandwidth: bandwidthPlan(policy.bandwidth) };
  return { forward, cluster: clusterSettings(policy) };
}

/** The use with the client certificate of a Gateway (key of the Secret; null without one), which its probes present. */
export function presentedBy<Use extends { readonly cluster: ClusterSettings }>(clientCertificate: string | null, use: Use): Use {
  const { activeCheck } = use.cluster;
  if (clientCertificate === null || activeCheck === null || activeCheck.tls === 'never') return use;
  return { ...use, cluster: { ...use.cluster, activeCheck: { ...activeCheck, clientCertificate } } };
}

function mergedFor(policies: PolicyIndex, route: TargetedRoute, listener: string, cluster: string | null): BackendTraffic {
  const layers = policies.layers('BackendTrafficPolicy', requestTargets(route, listener, cluster));
  return mergePolicies('BackendTrafficPolicy', layers).settings;
}
