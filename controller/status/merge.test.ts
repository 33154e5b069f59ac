import { describe, expect, test } from '@jest/globals';
import type { DesiredStatus } from '../compile/result.ts';
import { mergeStatus, withoutOwnConditions, withoutOwnEntries } from './merge.ts';

const OPTIONS = { controllerName: 'gateway.weir.dev/controller', now: '2026-01-02T00:00:00Z' };
const EARLIER = '2026-01-01T00:00:00Z';
const ACCEPTED = { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'attached', observedGeneration: 2 } as const;
const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' };

function route(...parents: Extract<DesiredStatus, { type: 'Route' }>['parents']): DesiredStatus {
  return { ref: { kind: 'HTTPRoute', namespace: 'ns', name: 'r' }, type: 'Route', parents };
}

function gateway(...conditions: Extract<DesiredStatus, { type: 'Gateway' }>['conditions']): DesiredStatus {
  return {
    ref: { kind: 'Gateway', namespace: 'ns', name: 'g' },
    type: 'Gateway',
    addresses: [],
    conditions,
    listeners: [],
    attachedListenerSets: 0,
  };
}

describe('mergeStatus', () => {
  test('keeps entries of other controllers in their places', () => {
    const foreign = { parentRef: GATEWAY, controllerName: 'example.net/other', conditions: [{ type: 'Accepted', status: 'False' }] };
    const stale = { parentRef: { ...GATEWAY, name: 'gone' }, controllerName: OPTIONS.controllerName, conditions: [] };
    const patch = mergeStatus({ parents: [stale, foreign] }, route({ parentRef: GATEWAY, conditions: [ACCEPTED] }), OPTIONS);
    const own = {
      parentRef: GATEWAY,
      controllerName: OPTIONS.controllerName,
      conditions: [{ ...ACCEPTED, lastTransitionTime: OPTIONS.now }],
    };
    expect(patch).toEqual({ parents: [foreign, own] });
  });

  test('keeps lastTransitionTime while the status of a condition stays, and renews it when it changes', () => {
    const live = { conditions: [{ ...ACCEPTED, observedGeneration: 1, lastTransitionTime: EARLIER }] };
    expect(mergeStatus(live, gateway(ACCEPTED), OPTIONS)).toEqual({ conditions: [{ ...ACCEPTED, lastTransitionTime: EARLIER }] });
    const refused = { ...ACCEPTED, status: 'False', reason: 'Invalid' } as const;
    expect(mergeStatus(live, gateway(refused), OPTIONS)).toEqual({ conditions: [{ ...refused, lastTransitionTime: OPTIONS.now }] });
  });

  test('returns null if the statuses agree', () => {
    const live = { conditions: [{ ...ACCEPTED, lastTransitionTime: EARLIER }] };
    expect(mergeStatus(live, gateway(ACCEPTED), OPTIONS)).toBeNull();
    expect(mergeStatus(live, gateway({ ...ACCEPTED, observedGeneration: 3 }), OPTIONS)).not.toBeNull();
  });

  test('writes the number of ListenerSets of a Gateway that has or had any', () => {
    const attached = (count: number): DesiredStatus => ({ ...gateway(), attachedListenerSets: count }) as DesiredStatus;
    expect(mergeStatus({}, attached(0), OPTIONS)).toBeNull();
    expect(mergeStatus({}, attached(2), OPTIONS)).toEqual({ attachedListenerSets: 2 });
    expect(mergeStatus({ attachedListenerSets: 2 }, attached(0), OPTIONS)).toEqual({ attachedListenerSets: 0 });
  });

  test('keeps conditions of other types, and removes own conditions that are no longer desired', () => {
    const foreign = { type: 'example.net/Healthy', status: 'True', lastTransitionTime: EARLIER };
    const dropped = { type: 'UnsupportedFields', status: 'True', lastTransitionTime: EARLIER };
    const patch = mergeStatus({ conditions: [foreign, dropped] }, gateway(ACCEPTED), OPTIONS);
    expect(patch).toEqual({ conditions: [foreign, { ...ACCEPTED, lastTransitionTime: OPTIONS.now }] });
  });

  test.each([[null], ['text'], [{ parents: 'text' }], [{ parents: [null, 1] }], [{ parents: [{ conditions: 7 }] }]])(
    'accepts a live status of %j',
    (live) => {
      expect(mergeStatus(live, route({ parentRef: GATEWAY, conditions: [ACCEPTED] }), OPTIONS)).not.toBeNull();
    },
  );
});

test('the ancestor identifies an entry of a policy, and there are at most 16 of all controllers together', () => {
  const ancestors = Array.from({ length: 20 }, (_, i) => ({ ancestorRef: { ...GATEWAY, name: `gw-${i}` }, conditions: [ACCEPTED] }));
  const policy: DesiredStatus = { ref: { kind: 'ClientTrafficPolicy', namespace: 'ns', name: 'p' }, type: 'Policy', ancestors };
  const foreign = { ancestorRef: GATEWAY, controllerName: 'example.net/other', conditions: [] };
  const patch = mergeStatus({ ancestors: [foreign] }, policy, OPTIONS) as { ancestors: { ancestorRef: { name: string } }[] };
  expect(patch.ancestors.map(({ ancestorRef }) => ancestorRef.name)).toEqual(['gw', ...Array.from({ length: 15 }, (_, i) => `gw-${i}`)]);
  expect(withoutOwnEntries(patch, 'ancestors', OPTIONS)).toEqual({ ancestors: [foreign] });
});

test('withoutOwnEntries removes own entries only', () => {
  const own = { parentRef: GATEWAY, controllerName: OPTIONS.controllerName, conditions: [] };
  const foreign = { ...own, controllerName: 'example.net/other' };
  expect(withoutOwnEntries({ parents: [own, foreign] }, 'parents', OPTIONS)).toEqual({ parents: [foreign] });
  expect(withoutOwnEntries({ parents: [foreign] }, 'parents', OPTIONS)).toBeNull();
});

describe('withoutOwnConditions', () => {
  test('removes the conditions of Weir from an object that it no longer uses, and keeps those of others', () => {
    const own = { ...ACCEPTED, lastTransitionTime: EARLIER };
    const other = { ...own, type: 'example.com/Ready' };
    expect(withoutOwnConditions({ conditions: [own, other] }, OPTIONS)).toEqual({ conditions: [other] });
    expect(withoutOwnConditions({ conditions: [other] }, OPTIONS)).toBeNull();
    expect(withoutOwnConditions(undefined, OPTIONS)).toBeNull();
  });
});
