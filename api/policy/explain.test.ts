import { describe, expect, test } from '@jest/globals';
import type { Policy, Route } from '../ir/ir.ts';
import { explainPolicies, printPolicies } from './explain.ts';
import { PolicyIndex } from './layers.ts';
import { leavesOfKind } from './merge.ts';

const ROUTE: Route = {
  ...{ kind: 'Route', key: 'HTTPRoute/apps/web/0', objectKind: 'HTTPRoute', namespace: 'apps', name: 'web', ruleIndex: 0, ruleName: '' },
  ...{ createdAt: 0, attachments: [{ listener: 'infra/edge/http', hostnames: [''] }], matches: [], filters: [], retry: null },
  backends: [{ cluster: 'Service/apps/web/80', weight: 1, filters: [] }],
  timeouts: { request: null, backendRequest: null },
};

function policy(policyKind: string, kind: string, namespace: string, name: string, settings: Policy['settings']): Policy {
  const described = { kind: 'Policy', key: `${policyKind}/${namespace}/p`, policyKind, namespace, name: 'p', createdAt: 0 } as const;
  return { ...described, targets: [{ kind, namespace, name, section: '' }], settings };
}

const POLICIES = new PolicyIndex([
  policy('ClientTrafficPolicy', 'Gateway', 'infra', 'edge', { timeouts: { idle: 90_000 }, limits: { requestBody: 1_048_576 } }),
  policy('BackendTrafficPolicy', 'Gateway', 'infra', 'edge', { timeouts: { request: 30_000 }, retry: { attempts: 2 } }),
  policy('BackendTrafficPolicy', 'Service', 'apps', 'web', { retry: { codes: [503] }, timeouts: { backendRequest: 1_000 } }),
]);

const POLICIES_WITH_ALL = [
  ['ClientTrafficPolicy', 'listener infra/edge/http'],
  ['SecurityPolicy', 'rule HTTPRoute/apps/web/0'],
  ['BackendTrafficPolicy', 'backend Service/apps/web/80'],
] as const;

/** Sets the value at a path of names. */
function set(settings: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) settings[name] = value;
  else set((settings[name] ??= {}) as Record<string, unknown>, rest, value);
}

describe('explainPolicies', () => {
  test('has the policy of every value, and its target', () => {
    expect(printPolicies(explainPolicies(POLICIES, ROUTE, 'infra/edge/http'))).toBe(
      [
        'settings of listener infra/edge/http',
        '  timeouts.idle 1m30s: ClientTrafficPolicy/infra/p, Gateway/infra/edge',
        '  limits.requestBody 1Mi: ClientTrafficPolicy/infra/p, Gateway/infra/edge',
        'settings of backend Service/apps/web/80',
        '  timeouts.request 30s: BackendTrafficPolicy/infra/p, Gateway/infra/edge',
        '  timeouts.backendRequest 1s: BackendTrafficPolicy/apps/p, Service/apps/web',
        '  retry.attempts 2: BackendTrafficPolicy/infra/p, Gateway/infra/edge',
        '  retry.codes [503]: BackendTrafficPolicy/apps/p, Service/apps/web',
      ].join('\n'),
    );
  });

  test('prefers the settings of the rule itself', () => {
    const route = { ...ROUTE, timeouts: { request: 5_000, backendRequest: null }, retry: { codes: [], attempts: 1, backoff: 25 } };
    const backend = explainPolicies(POLICIES, route, 'infra/edge/http').find(({ policyKind }) => policyKind === 'BackendTrafficPolicy');
    expect(backend?.origins.map(({ field, value, policy: from }) => [field, value, from])).toEqual([
      ['timeouts.request', 5_000, 'HTTPRoute/apps/web/0'],
      ['timeouts.backendRequest', 1_000, 'BackendTrafficPolicy/apps/p'],
      ['retry.attempts', 1, 'HTTPRoute/apps/web/0'],
      ['retry.codes', [503], 'BackendTrafficPolicy/apps/p'],
      ['retry.backoff', 25, 'HTTPRoute/apps/web/0'],
    ]);
  });

  test('has the settings of requests at a fallback', () => {
    const fallback = { backendRef: { cluster: 'Service/apps/spare/80' } };
    const index = new PolicyIndex([
      policy('BackendTrafficPolicy', 'Service', 'apps', 'web', { fallback }),
      policy('BackendTrafficPolicy', 'Service', 'apps', 'spare', { timeouts: { request: 9, backendRequest: 1_000 }, fallback }),
    ]);
    expect(printPolicies(explainPolicies(index, ROUTE, 'infra/edge/http')).split('\n')).toEqual([
      'settings of backend Service/apps/web/80',
      '  fallback.backendRef Service/apps/spare/80: BackendTrafficPolicy/apps/p, Service/apps/web',
      'settings of fallback Service/apps/spare/80',
      '  timeouts.backendRequest 1s: BackendTrafficPolicy/apps/p, Service/apps/spare',
    ]);
  });

  test('prefers the sessions of the rule as a whole', () => {
    const ofPolicy = { type: 'Header', sessionName: 'x-session', idleTimeout: 1_000 };
    const settings = { loadBalancer: { panicThreshold: 30, sessionPersistence: ofPolicy } };
    const index = new PolicyIndex([policy('BackendTrafficPolicy', 'Service', 'apps', 'web', settings)]);
    const sessionPersistence = { type: 'Cookie', name: '', permanent: true, absoluteTimeout: 3_600_000, idleTimeout: 0 } as const;
    const printed = printPolicies(explainPolicies(index, { ...ROUTE, sessionPersistence }, 'infra/edge/http'));
    expect(printed.split('\n')).toEqual([
      'settings of backend Service/apps/web/80',
      '  loadBalancer.sessionPersistence.type "Cookie": HTTPRoute/apps/web/0, the rule itself',
      '  loadBalancer.sessionPersistence.absoluteTimeout 1h: HTTPRoute/apps/web/0, the rule itself',
      '  loadBalancer.sessionPersistence.cookieConfig.lifetimeType "Permanent": HTTPRoute/apps/web/0, the rule itself',
      '  loadBalancer.panicThreshold 30: BackendTrafficPolicy/apps/p, Service/apps/web',
    ]);
  });

  test.each(POLICIES_WITH_ALL)('has every setting of a %s', (kind, target) => {
    const fields = leavesOfKind(kind).map(({ path }) => path);
    const everything = {};
    for (const path of fields) set(everything, path, 1);
    const index = new PolicyIndex([policy(kind, 'Gateway', 'infra', 'edge', everything as Policy['settings'])]);
    const printed = printPolicies(explainPolicies(index, ROUTE, 'infra/edge/http'));
    const lines = fields.map((path) =>
      expect.stringMatching(new RegExp(`^  ${path.join('\\.')} [^:]+: ${kind}/infra/p, Gateway/infra/edge$`)),
    );
    expect(printed.split('\n')).toEqual([`settings of ${target}`, ...lines]);
  });

  test('prints nothing without a policy', () => {
    expect(printPolicies(explainPolicies(PolicyIndex.EMPTY, ROUTE, 'infra/edge/http'))).toBe('');
  });
});
