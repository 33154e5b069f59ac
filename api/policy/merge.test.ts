import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Policy, PolicyTarget } from '../ir/ir.ts';
import { describeTarget, listenerTargets, PolicyIndex, requestTargets } from './layers.ts';
import { leavesOfKind, mergePolicies, type Layer } from './merge.ts';
import { valueAt } from './settings.ts';

const KIND = 'ClientTrafficPolicy';
const GATEWAY: PolicyTarget = { kind: 'Gateway', namespace: 'infra', name: 'edge', section: '' };

function policy(name: string, settings: Policy['settings'], fields: Partial<Policy> = {}): Policy {
  const key = `${KIND}/infra/${name}`;
  return { kind: 'Policy', key, policyKind: KIND, namespace: 'infra', name, createdAt: 0, targets: [GATEWAY], settings, ...fields };
}

function layer(name: string, settings: Policy['settings']): Layer {
  return { policy: policy(name, settings), target: name };
}

describe('mergePolicies', () => {
  test('takes every field from the nearest policy that sets it, and records the policy', () => {
    const near = layer('near', { timeouts: { idle: 1 } });
    const far = layer('far', { timeouts: { idle: 2, write: 3 }, limits: { headers: 4 } });
    const { settings, origins } = mergePolicies(KIND, [near, far]);
    expect(settings).toEqual({ timeouts: { idle: 1, write: 3 }, limits: { headers: 4 } });
    expect(origins.map(({ field, value, policy: from }) => [field, value, from])).toEqual([
      ['timeouts.idle', 1, `${KIND}/infra/near`],
      ['timeouts.write', 3, `${KIND}/infra/far`],
      ['limits.headers', 4, `${KIND}/infra/far`],
    ]);
  });

  test('0 is an ordinary value', () => {
    expect(mergePolicies(KIND, [layer('a', { timeouts: { idle: 0 } }), layer('b', { timeouts: { idle: 9 } })]).settings).toEqual({
      timeouts: { idle: 0 },
    });
  });

  test('accepts only names of the schema', () => {
    const odd = JSON.parse('{"__proto__":{"idle":1},"constructor":{"name":2},"timeouts":{"__proto__":{"idle":3}}}') as Policy['settings'];
    expect(mergePolicies(KIND, [layer('odd', odd)])).toEqual({ settings: {}, origins: [] });
  });
});

/** Settings with any of the fields of the kind, all numbers. */
const SomeSettings: fc.Arbitrary<Policy['settings']> = fc
  .subarray(leavesOfKind(KIND).map(({ path }) => path))
  .chain((paths) => fc.tuple(...paths.map((path) => fc.nat(3).map((value) => [path, value] as const))))
  .map((values) => {
    const settings: Record<string, Record<string, unknown>> = {};
    for (const [[group, name = ''], value] of values) (settings[group] ??= {})[name] = value;
    return settings;
  });
const SomeLayers = fc.array(SomeSettings, { maxLength: 5 }).map((all) => all.map((settings, i) => layer(`p${i}`, settings)));

describe('listenerTargets', () => {
  test('of a listener of a ListenerSet are the set and its Gateway, not a listener of the Gateway with the same name', () => {
    expect(listenerTargets('infra/edge/apps/mine/http').map(describeTarget)).toEqual([
      'ListenerSet/apps/mine listener http',
      'ListenerSet/apps/mine',
      'Gateway/infra/edge',
    ]);
  });
});

describe('the merge of any policies', () => {
  test('takes each field from the nearest policy with it, and adds nothing', () => {
    fc.assert(
      fc.property(SomeLayers, (layers) => {
        const { settings, origins } = mergePolicies(KIND, layers);
        const expected = leavesOfKind(KIND).map(({ path }) =>
          layers.map((each) => valueAt(each.policy.settings, path)).find((value) => value !== undefined),
        );
        expect(leavesOfKind(KIND).map(({ path }) => valueAt(settings, path))).toEqual(expected);
        expect(origins).toHaveLength(expected.filter((value) => value !== undefined).length);
      }),
    );
  });

  test('has the same result in any grouping', () => {
    const merged = (layers: readonly Layer[]): Layer => layer('merged', mergePolicies(KIND, layers).settings as Policy['settings']);
    fc.assert(
      fc.property(SomeLayers, fc.nat(5), (layers, at) => {
        const whole = mergePolicies(KIND, layers).settings;
        expect(mergePolicies(KIND, [...layers.slice(0, at), merged(layers.slice(at))]).settings).toEqual(whole);
        expect(mergePolicies(KIND, [merged(layers.slice(0, at)), ...layers.slice(at)]).settings).toEqual(whole);
        expect(mergePolicies(KIND, [...layers, ...layers]).settings).toEqual(whole);
      }),
    );
  });
});

describe('PolicyIndex', () => {
  test('puts a listener before its Gateway', () => {
    const section = policy('section', {}, { targets: [{ ...GATEWAY, section: 'http' }] });
    const index = new PolicyIndex([policy('whole', {}), section]);
    const layersOf = (listener: string) => index.layers(KIND, listenerTargets(listener)).map((each) => [each.policy.name, each.target]);
    expect(layersOf('infra/edge/http')).toEqual([
      ['section', 'Gateway/infra/edge listener http'],
      ['whole', 'Gateway/infra/edge'],
    ]);
    expect(layersOf('infra/edge/other')).toEqual([['whole', 'Gateway/infra/edge']]);
    expect(layersOf('infra/other/http')).toEqual([]);
  });

  test('prefers the older of two policies for a target, then the first by name, in any order of arrival', () => {
    const [old, b, c] = [policy('z', {}, { createdAt: 1 }), policy('b', {}, { createdAt: 2 }), policy('c', {}, { createdAt: 2 })];
    fc.assert(
      fc.property(fc.shuffledSubarray([old, b, c], { minLength: 1 }), (policies) => {
        const [found] = new PolicyIndex(policies).layers(KIND, [GATEWAY]);
        expect(found?.policy.name).toBe(['z', 'b', 'c'].find((name) => policies.some((each) => each.name === name)));
      }),
    );
  });

  test('has the order rule, route, port, Service, listener, Gateway', () => {
    const route = { objectKind: 'HTTPRoute', namespace: 'apps', name: 'web', ruleName: 'slow' };
    const targets = requestTargets(route, 'infra/edge/http', 'Service/apps/web/80');
    expect(targets.map(({ kind, name, section }) => `${kind} ${name} ${section}`)).toEqual([
      'HTTPRoute web slow',
      'HTTPRoute web ',
      'Service web 80',
      'Service web ',
      'Gateway edge http',
      'Gateway edge ',
    ]);
    expect(requestTargets({ ...route, ruleName: '' }, 'infra/edge/http', 'Backend/apps/x').map(({ kind }) => kind)).toEqual([
      'HTTPRoute',
      'Backend',
      'Gateway',
      'Gateway',
    ]);
  });
});
