// Filters are made once, live while a plan has them, and have a fixed order.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { PolicyIndex } from '#api/policy/layers.ts';
import { route } from '../../test/support/proxy.ts';
import type { Filter, FilterKind } from './filter.ts';
import { FilterPool } from './filter-pool.ts';
import { RulePolicies } from './rule-policies.ts';

const LISTENER = 'default/gateway/http';

const modifier = (type: 'RequestHeaderModifier' | 'ResponseHeaderModifier', name = 'x'): ir.Filter => ({
  type,
  headers: { set: [{ name, value: '1' }], add: [], remove: [] },
});

const rewrite: ir.Filter = { type: 'URLRewrite', hostname: 'other', path: null };

/** A policy of the route `web`, or of the Gateway. */
function policy(settings: Record<string, unknown>, target: Partial<ir.PolicyTarget> = {}, name = 'policy'): ir.Policy {
  return {
    ...{ kind: 'Policy', key: `BackendTrafficPolicy/default/${name}`, policyKind: 'BackendTrafficPolicy', namespace: 'default', name },
    createdAt: 0,
    targets: [{ kind: 'HTTPRoute', namespace: 'default', name: 'web', section: '', ...target }],
    settings,
  };
}

const GATEWAY = { kind: 'Gateway', name: 'gateway' };

/** The policies in effect for the route `web`. */
function inEffect(...policies: readonly ir.Policy[]): RulePolicies {
  return new RulePolicies(new PolicyIndex(policies), route({ name: 'web' }), LISTENER);
}

interface Probe extends Filter {
  readonly settings: unknown;
  readonly origins: readonly string[];
  disposed: boolean;
}

/** A kind whose filter keeps the settings that it is made of. */
const timeouts: FilterKind = {
  name: 'Timeouts',
  ofPolicies: (policies) =>
    policies.filterOf('BackendTrafficPolicy', ['timeouts'], ({ timeouts: settings }, { origins }): Probe => {
      const probe: Probe = {
        name: 'Timeouts',
        settings,
        origins: origins.map((origin) => origin.policy),
        disposed: false,
        request: () => 'continue',
        response: () => undefined,
        dispose: () => void (probe.disposed = true),
      };
      return probe;
    }),
};

const poolOf = (...kinds: readonly FilterKind[]): FilterPool => new FilterPool({} as never, kinds);

describe('a chain', () => {
  const pool = new FilterPool({} as never);

  test('has the order of the kinds, and that of answers is the reverse', () => {
    const chain = pool.chain(
      [rewrite, modifier('ResponseHeaderModifier', 'a'), modifier('ResponseHeaderModifier', 'b'), modifier('RequestHeaderModifier')],
      null,
    );
    expect(chain.request?.map(({ name }) => name)).toEqual(['RequestHeaderModifier', 'URLRewrite']);
    expect(chain.response).toEqual([chain.filters[3], chain.filters[2]]);
  });

  test('is null where there is nothing to do', () => {
    expect(pool.chain([], null)).toMatchObject({ request: null, response: null });
    expect(pool.chain([], inEffect(policy({ timeouts: { request: 1 } })))).toMatchObject({ request: null, response: null });
    expect(pool.chain([rewrite], null).response).toBeNull();
    expect(pool.chain([modifier('ResponseHeaderModifier')], null).request).toBeNull();
  });

  test('has the same id for the same filters only', () => {
    const chains = [[rewrite], [rewrite, modifier('RequestHeaderModifier')], [rewrite]].map((filters) => pool.chain(filters, null).id);
    expect(chains[0]).toBe(chains[2]);
    expect(new Set(chains).size).toBe(2);
  });
});

describe('a filter of a policy', () => {
  test('is one instance for both halves', () => {
    const { request, response } = poolOf(timeouts).chain([], inEffect(policy({ timeouts: { request: 1 } })));
    expect(request).toHaveLength(1);
    expect(request?.[0]).toBe(response?.[0]);
  });

  test('gets the settings of the nearest policy and the origin of each', () => {
    const policies = inEffect(
      policy({ timeouts: { request: 1 } }, {}, 'near'),
      policy({ timeouts: { request: 2, backendRequest: 3 } }, GATEWAY, 'far'),
    );
    const [filter] = poolOf(timeouts).chain([], policies).filters;
    expect(filter).toMatchObject({
      settings: { request: 1, backendRequest: 3 },
      origins: ['BackendTrafficPolicy/default/near', 'BackendTrafficPolicy/default/far'],
    });
  });

  test('is the same while its settings and their policies are the same', () => {
    const pool = poolOf(timeouts);
    const of = (...policies: readonly ir.Policy[]): Filter | undefined => pool.chain([], inEffect(...policies)).filters[0];
    const first = of(policy({ timeouts: { request: 1 } }));
    expect(of(policy({ timeouts: { request: 1 }, protocol: 'HTTP2' }))).toBe(first);
    expect(of(policy({ timeouts: { request: 2 } }))).not.toBe(first);
    expect(of(policy({ timeouts: { request: 1 } }, {}, 'other'))).not.toBe(first);
    expect(of(policy({ protocol: 'HTTP2' }))).toBeUndefined();
  });

  test('ends after the batch in which its last plan ends', () => {
    const pool = poolOf(timeouts);
    const policies = inEffect(policy({ timeouts: { request: 1 } }));
    const { filters } = pool.chain([], policies);
    const [filter] = filters as readonly Probe[];
    pool.use(filters);
    pool.use(filters);
    pool.sweep();
    pool.use([], filters);
    pool.sweep();
    expect([filter?.disposed, pool.size]).toEqual([false, 1]);
    pool.use([], filters);
    // Another plan of the same batch has it again.
    pool.use(pool.chain([], policies).filters);
    pool.sweep();
    expect(pool.chain([], policies).filters[0]).toBe(filter);
    pool.use([], filters);
    pool.sweep();
    expect([filter?.disposed, pool.size]).toEqual([true, 0]);
    expect(pool.chain([], policies).filters[0]).not.toBe(filter);
  });

  test('yields to a filter of the rule if its kind says so', () => {
    const yielding: FilterKind = {
      ...timeouts,
      ofPolicies: (each) => (each.hasFilter('CORS') ? null : (timeouts.ofPolicies?.(each) ?? null)),
    };
    const cors: ir.Filter = {
      ...{ type: 'CORS', allowOrigins: ['*'], allowMethods: [], allowHeaders: [], exposeHeaders: [] },
      ...{ allowCredentials: false, maxAge: 5 },
    };
    const own = new PolicyIndex([policy({ timeouts: { request: 1 } })]);
    const chainOf = (filters: ir.Filter[]): readonly Filter[] =>
      poolOf(yielding).chain([], new RulePolicies(own, route({ name: 'web', filters }), LISTENER)).filters;
    expect([chainOf([]).length, chainOf([cors]).length]).toEqual([1, 0]);
  });
});
