// Plans of routes: the decisions before any request, and the number of plans.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { PolicyIndex } from '#api/policy/layers.ts';
import { backend, route, streamBackend, streamRoute } from '../../test/support/proxy.ts';
import { ERRORS } from '../exchange/errors.ts';
import { SessionKeys } from '../cluster/session/session-keys.ts';
import { STANDARD } from '../cluster/settings.ts';
import type { ClusterVariant } from '../cluster/variant.ts';
import { FilterPool } from '../filter/filter-pool.ts';
import { RouteTelemetries } from './telemetry/route-telemetries.ts';
import { buildPlans, buildStreamPlan, refusingPlan } from './plan.ts';
import type { RoutePlans } from './plan.ts';

const LISTENERS = ['default/gateway/http', 'default/gateway/https'];
const ATTACHMENTS = LISTENERS.map((listener) => ({ listener, hostnames: [''] }));

const clusters = new Map<string, ClusterVariant>();

/** The same cluster for the same key. */
function clusterOf(key: string): ClusterVariant {
  const found = clusters.get(key) ?? ({ key } as ClusterVariant);
  clusters.set(key, found);
  return found;
}

function plansOf(fields: Partial<ir.Route>, ...policies: readonly ir.Policy[]): RoutePlans {
  return buildPlans(route(fields), new PolicyIndex(policies), {
    telemetries: new RouteTelemetries(),
    cluster: clusterOf,
    filters: new FilterPool({} as never),
    sessionKeys: new SessionKeys(),
    certificateOf: () => null,
  });
}

function timeouts(target: Partial<ir.PolicyTarget>, request: number): ir.Policy {
  const name = `${target.kind ?? 'Gateway'}-${target.name ?? 'gateway'}-${target.section ?? ''}`;
  return {
    ...{ kind: 'Policy', key: `BackendTrafficPolicy/default/${name}`, policyKind: 'BackendTrafficPolicy', namespace: 'default', name },
    createdAt: 0,
    targets: [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '', ...target }],
    settings: { timeouts: { request } },
  };
}

describe('a route', () => {
  test('chooses among backends with a weight, from clusters that all routes share', () => {
    const { common } = plansOf({ backends: [backend('a', 3), backend('b', 0), backend('c', 2)] });
    expect(common.backends.map(({ cluster, weight }) => [cluster?.key, weight])).toEqual([
      ['Service/default/a/80', 3],
      ['Service/default/c/80', 2],
    ]);
    expect(common.totalWeight).toBe(5);
    expect(plansOf({ backends: [backend('a')] }).common.backends[0]?.cluster).toBe(common.backends[0]?.cluster);
  });

  test('without backends has another error than with weights of 0 only', () => {
    expect(plansOf({ backends: [] }).common.nothingDrawn).toBe(ERRORS.noBackends);
    expect(plansOf({ backends: [backend('a', 0)] }).common.nothingDrawn).toBe(ERRORS.weightsZero);
  });

  test('that is invalid has an error, and so has a backend for its share of the requests', () => {
    const invalid = { ...backend('a', 1), cluster: null, invalidReason: 'no such Service' };
    const { common } = plansOf({ backends: [backend('a', 1), invalid] });
    expect(common.error).toBe(null);
    expect(common.backends.map(({ cluster, error }) => [cluster === null, error])).toEqual([
      [false, null],
      [true, ERRORS.backendInvalid],
    ]);
    expect(common.totalWeight).toBe(2);
    expect(plansOf({ invalidReason: 'regex explodes' }).common.error).toBe(ERRORS.routeInvalid);
  });
});

describe('policies', () => {
  test('with the same settings at every listener need one plan', () => {
    const { common, byListener } = plansOf({ attachments: ATTACHMENTS }, timeouts({}, 100));
    expect([common.requestTimeout, byListener]).toEqual([100, null]);
  });

  test('of one listener apply only there', () => {
    const { byListener } = plansOf({ attachments: ATTACHMENTS }, timeouts({}, 100), timeouts({ section: 'https' }, 200));
    expect(LISTENERS.map((listener) => byListener?.get(listener)?.requestTimeout)).toEqual([100, 200]);
  });

  test('of a backend apply after its choice, and the other backends keep the plan of the route', () => {
    const service = timeouts({ kind: 'Service', name: 'b' }, 300);
    const { common } = plansOf({ backends: [backend('a'), backend('b')] }, timeouts({}, 100), service);
    expect(common.requestTimeout).toBe(100);
    expect(common.backends.map(({ route: own }) => own?.requestTimeout ?? null)).toEqual([null, 300]);
  });

  test('of a backend are overridden by the route itself', () => {
    const said = { timeouts: { request: 50, backendRequest: null } };
    const { common } = plansOf({ ...said, backends: [backend('b')] }, timeouts({ kind: 'Service', name: 'b' }, 300));
    expect([common.requestTimeout, common.backends[0]?.route ?? null]).toEqual([50, null]);
  });

  test('of other objects change nothing', () => {
    const { common, byListener } = plansOf({ attachments: ATTACHMENTS }, timeouts({ name: 'other' }, 100));
    expect([common.requestTimeout, byListener]).toEqual([0, null]);
  });
});

test('all parts of plans are frozen', () => {
  const { common } = plansOf({ backends: [backend('b')] }, timeouts({}, 100), timeouts({ kind: 'Service', name: 'b' }, 300));
  for (const frozen of [common, common.backends[0], common.backends[0]?.route]) expect(Object.isFrozen(frozen)).toBe(true);
});

test('the plan that refuses preflights differs in nothing else, and is created once', () => {
  const { common } = plansOf({});
  const refusing = refusingPlan(common);
  expect(refusingPlan(common)).toBe(refusing);
  expect({ ...refusing, requestFilters: common.requestFilters }).toEqual(common);
  expect(refusing.requestFilters?.map(({ name }) => name)).toEqual(['CORS']);
});

test('a stream route chooses among backends with a weight, each with its own transport', () => {
  const backends = [streamBackend('a', 3), streamBackend('b', 0), { ...streamBackend('c', 1), cluster: null }, streamBackend('d', 2)];
  const plan = buildStreamPlan(
    streamRoute({ backends }),
    (key) => ({ key }) as never,
    (key) => ({ forward: { proxyProtocol: key.includes('/d/') ? 2 : 0, bandwidth: null }, cluster: STANDARD }),
  );
  expect(plan.backends).toEqual([
    { cluster: { key: 'Service/default/a/80' }, weight: 3, proxyProtocol: 0, bandwidth: null },
    { cluster: null, weight: 1, proxyProtocol: 0, bandwidth: null },
    { cluster: { key: 'Service/default/d/80' }, weight: 2, proxyProtocol: 2, bandwidth: null },
  ]);
  expect(plan.totalWeight).toBe(6);
});
