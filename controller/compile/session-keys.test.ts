// Proxies get the keys of sessions while an object keeps sessions.
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { SESSION_KEYS_REF, type Change } from '../watch/event.ts';
import { Compiler } from './compile.ts';
import { CONTROLLER, gateway, gatewayClass, grpcRoute, httpRoute, policy, remove, upsert } from './testdata/objects.ts';

const KEYS: Change = { type: 'session keys', ref: SESSION_KEYS_REF, keys: ['a2V5'] };
const RULES = { parentRefs: [{ name: 'web' }], rules: [{ sessionPersistence: { sessionName: 's' } }] };
const targetRefs = [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'web' }];

let compiler: Compiler;

function served(): unknown[] {
  return [...compiler.resources()].filter(({ kind }) => kind === 'SessionKeys').map(({ body }) => JSON.parse(body.toString()) as unknown);
}

beforeEach(() => {
  compiler = new Compiler({ controllerName: CONTROLLER });
  compiler.apply([upsert(gatewayClass()), upsert(gateway('web', [{ name: 'http', port: 80, protocol: 'HTTP' }]))]);
});

describe('the keys of sessions', () => {
  test.each<readonly [string, KubernetesObject]>([
    ['an HTTPRoute', httpRoute('infra', 'app', RULES)],
    ['a GRPCRoute', grpcRoute('infra', 'app', RULES)],
    ['a policy', policy('BackendTrafficPolicy', 'infra', 'p', { targetRefs, loadBalancer: { sessionPersistence: { type: 'Cookie' } } })],
  ])('are wanted and sent while %s needs them', (_, object) => {
    expect(compiler.wanted.SessionKeys).toBe(false);
    compiler.apply([upsert(object)]);
    expect(compiler.wanted.SessionKeys).toBe(true);
    expect(served()).toEqual([]);
    compiler.apply([KEYS]);
    expect(served()).toEqual([{ kind: 'SessionKeys', key: 'sessions', keys: ['a2V5'] }]);
    compiler.apply([remove(object)]);
    expect([compiler.wanted.SessionKeys, served()]).toEqual([false, []]);
  });

  test.each([
    ['', 'the controller runs without --session-secret'],
    ['sessions', 'the controller cannot use the Secret sessions (--session-secret; its log has the reason)'],
  ])('that a Secret %j does not have are missing in statuses', (sessionSecret, cause) => {
    const from = new Compiler({ controllerName: CONTROLLER, sessionSecret });
    const sticky = policy('BackendTrafficPolicy', 'infra', 'p', { targetRefs, loadBalancer: { sessionPersistence: { type: 'Cookie' } } });
    const section = targetRefs.map((ref) => ({ ...ref, sectionName: 'http' }));
    const none = { sessionPersistence: { type: 'None' } };
    const off = policy('BackendTrafficPolicy', 'infra', 'off', { targetRefs: section, loadBalancer: none });
    const messages = (): readonly string[] => {
      const conditions = [...from.statuses()].flatMap((status) => {
        if (status.type === 'Policy') return status.ancestors.flatMap((each) => each.conditions);
        return status.type === 'Route' ? status.parents.flatMap((each) => each.conditions) : [];
      });
      return conditions.filter(({ type }) => type === 'UnsupportedFields').map(({ message }) => message);
    };
    from.apply([upsert(gatewayClass()), upsert(gateway('web', [{ name: 'http', port: 80, protocol: 'HTTP' }]))]);
    from.apply([upsert(httpRoute('infra', 'app', RULES)), upsert(sticky), upsert(off)]);
    expect(messages().toSorted()).toEqual([
      `without effect: loadBalancer.sessionPersistence: proxies keep no sessions, because ${cause}`,
      `without effect: spec.rules[0].sessionPersistence: proxies keep no sessions, because ${cause}`,
    ]);
    from.apply([KEYS]);
    expect(messages()).toEqual([]);
  });
});
