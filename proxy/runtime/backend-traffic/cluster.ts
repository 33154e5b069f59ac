// The settings of a BackendTrafficPolicy that choose the variant of a cluster.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { ClusterSettings } from '../../cluster/settings.ts';
import { answerPercentile } from './hedge.ts';
import { activeCheck, outlierSettings } from './health-check.ts';
import { connectionPlan } from './connection-pool.ts';
import { breakerSettings, limitSettings } from './circuit-breaker.ts';
import { balancerSettings, hashKeys, slowStartOf, subsetLabels, zoneSettings } from './load-balancer.ts';

/** One line per setting. All settings are written out, so that equal settings are equal texts. */
export function clusterSettings(policy: PolicySettings<'BackendTrafficPolicy'>): ClusterSettings {
  const { loadBalancer, healthCheck, circuitBreaker, connectionPool, hedge } = policy;
  return {
    balancer: balancerSettings(loadBalancer),
    hashOn: hashKeys(loadBalancer),
    slowStart: slowStartOf(loadBalancer),
    panicThreshold: loadBalancer?.panicThreshold ?? 0,
    activeCheck: activeCheck(healthCheck?.active),
    outliers: outlierSettings(healthCheck?.passive),
    zone: zoneSettings(loadBalancer?.zone),
    limits: limitSettings(circuitBreaker),
    connections: connectionPlan(connectionPool),
    answerPercentile: answerPercentile(hedge),
    breaker: breakerSettings(circuitBreaker),
    subset: subsetLabels(loadBalancer?.subset),
    overrideHeader: loadBalancer?.overrideHeader?.toLowerCase() ?? '',
  };
}
