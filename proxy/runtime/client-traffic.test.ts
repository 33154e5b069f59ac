// ClientTrafficPolicies for listeners: the limits in force, and the trusted proxies.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { PolicyIndex } from '#api/policy/layers.ts';
import { listener } from '../../test/support/proxy.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import { listenerSettings, trustedProxies, withTlsSettings } from './client-traffic.ts';

const BASE = { limits: DEFAULT_LIMITS, proxyProtocol: null };
const HTTP = 'default/gateway/http';
/** A listener that a ListenerSet adds to the Gateway. */
const SET = 'default/gateway/team/set/web';

type Settings = ir.Policy['settings'];

function policy(target: Partial<ir.PolicyTarget>, settings: Settings): ir.Policy {
  const name = `${target.kind ?? 'Gateway'}-${target.name ?? 'gateway'}-${target.section ?? ''}`;
  return {
    ...{ kind: 'Policy', key: `ClientTrafficPolicy/default/${name}`, policyKind: 'ClientTrafficPolicy', namespace: 'default', name },
    createdAt: 0,
    targets: [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '', ...target }],
    settings,
  };
}

describe('limits of a listener', () => {
  test.each<[string, Settings, object]>([
    ['timeouts.proxyHeader', { timeouts: { proxyHeader: 7 } }, { proxyHeaderTimeout: 7 }],
    ['timeouts.tlsHandshake', { timeouts: { tlsHandshake: 7 } }, { tlsHandshakeTimeout: 7 }],
    ['timeouts.requestHead', { timeouts: { requestHead: 7 } }, { requestHeadTimeout: 7 }],
    ['timeouts.requestBodyIdle', { timeouts: { requestBodyIdle: 7 } }, { requestBodyIdleTimeout: 7 }],
    ['timeouts.idle', { timeouts: { idle: 7 } }, { downstreamIdleTimeout: 7 }],
    ['timeouts.write', { timeouts: { write: 7 } }, { downstreamWriteTimeout: 7 }],
    ['rates.requestBody', { rates: { requestBody: 7 } }, { minRequestBodyRate: 7 }],
    ['rates.response', { rates: { response: 7 } }, { minResponseRate: 7 }],
    ['limits.headerBytes', { limits: { headerBytes: 7 } }, { maxHeadBytes: 7 }],
    ['limits.headers', { limits: { headers: 7 } }, { maxHeaders: 7 }],
    ['limits.targetBytes', { limits: { targetBytes: 7 } }, { maxTargetBytes: 7 }],
    ['limits.requestBody', { limits: { requestBody: 7 } }, { maxRequestBodyBytes: 7 }],
    ['limits.requestsPerConnection', { limits: { requestsPerConnection: 7 } }, { maxRequestsPerConnection: 7 }],
    ['http2.maxConcurrentStreams', { http2: { maxConcurrentStreams: 7 } }, { maxStreamsPerConnection: 7 }],
    ['http2.streamWindow', { http2: { streamWindow: 7 } }, { streamWindowBytes: 7 }],
    ['http2.connectionWindow', { http2: { connectionWindow: 7 } }, { connectionWindowBytes: 7 }],
    ['a rate of 0, which is none', { rates: { requestBody: 0 } }, { minRequestBodyRate: 0 }],
  ])('%s changes one of them', (_, settings, changed) => {
    const { limits } = listenerSettings(new PolicyIndex([policy({}, settings)]), HTTP, BASE);
    expect(limits).toEqual({ ...DEFAULT_LIMITS, ...changed });
  });

  test.each<[Settings, true | undefined]>([
    [{ clientIP: { trustedHops: 1 } }, true],
    [{ clientIP: { trustedCIDRs: ['10.0.0.0/8'] } }, true],
    [{ clientIP: { trustedHops: 0 } }, undefined],
    [{ limits: { headers: 7 } }, undefined],
  ])('say whether proxies in front may tell the client: %j', (settings, trustsProxies) => {
    expect(listenerSettings(new PolicyIndex([policy({}, settings)]), HTTP, BASE).trustsProxies).toBe(trustsProxies);
  });

  test('are the defaults without a policy', () => {
    expect(listenerSettings(PolicyIndex.EMPTY, HTTP, BASE)).toBe(BASE);
    expect(listenerSettings(new PolicyIndex([policy({ name: 'other' }, { limits: { headers: 7 } })]), HTTP, BASE)).toBe(BASE);
  });

  test('come field by field from the nearest policy', () => {
    const near = policy({ section: 'http' }, { limits: { headers: 7 } });
    const far = policy({}, { limits: { headers: 9, targetBytes: 300 }, timeouts: { idle: 5 } });
    const { limits } = listenerSettings(new PolicyIndex([far, near]), HTTP, BASE);
    expect(limits).toMatchObject({ maxHeaders: 7, maxTargetBytes: 300, downstreamIdleTimeout: 5 });
  });

  test('of a ListenerSet are its own; the shared part of the port has those of the Gateway', () => {
    const gateway = policy({}, { limits: { headers: 9 } });
    const set = policy({ kind: 'ListenerSet', namespace: 'team', name: 'set' }, { limits: { headers: 7 } });
    const settings = listenerSettings(new PolicyIndex([gateway, set]), SET, BASE);
    expect([settings.limits.maxHeaders, settings.common?.limits.maxHeaders]).toEqual([7, 9]);
    expect(listenerSettings(new PolicyIndex([set]), SET, BASE).common).toBe(BASE);
  });
});

describe('the PROXY protocol', () => {
  test('is required from the sources that a policy trusts', () => {
    const settings = { proxyProtocol: { mode: 'Required', trustedSources: ['10.0.0.0/8'] } } as Settings;
    const { proxyProtocol } = listenerSettings(new PolicyIndex([policy({}, settings)]), HTTP, BASE);
    expect(proxyProtocol).toHaveLength(1);
    expect(proxyProtocol?.map((sources) => [sources.trusts('10.1.2.3'), sources.trusts('192.0.2.1')])).toEqual([[true, false]]);
  });

  test('is unchanged if the policy does not set it', () => {
    const base = { ...BASE, proxyProtocol: [] };
    const { proxyProtocol } = listenerSettings(new PolicyIndex([policy({}, { limits: { headers: 7 } })]), HTTP, base);
    expect(proxyProtocol).toBe(base.proxyProtocol);
  });
});

describe('TLS', () => {
  const terminating = listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: [], settings: { minVersion: '1.3' } } });
  const policies = new PolicyIndex([policy({}, { tls: { minVersion: '1.2', maxVersion: '1.3' } })]);

  test('of a listener overrides policies', () => {
    expect(withTlsSettings(policies, terminating).tls).toMatchObject({ settings: { minVersion: '1.3', maxVersion: '1.3' } });
  });

  test('that the proxy does not terminate, or without a policy, is unchanged', () => {
    const passing = listener({ protocol: 'TLS', tls: { mode: 'Passthrough' } as never });
    for (const each of [passing, listener()]) expect(withTlsSettings(policies, each)).toBe(each);
    expect(withTlsSettings(PolicyIndex.EMPTY, terminating)).toBe(terminating);
  });
});

describe('trusted proxies', () => {
  const other = listener({ key: 'default/gateway/other' });
  const trust = { clientIP: { trustedCIDRs: ['10.0.0.0/8'] } } as Settings;
  const keysOf = (policies: readonly ir.Policy[], ...listeners: readonly ir.Listener[]): string[] => [
    ...trustedProxies(new PolicyIndex(policies), listeners).keys(),
  ];

  test('are those of each listener', () => {
    const elsewhere = listener({ key: 'default/gateway/other', port: 81 });
    expect(keysOf([policy({ section: 'http' }, trust)], listener(), elsewhere)).toEqual([HTTP]);
    expect(keysOf([policy({}, trust)], listener(), elsewhere)).toEqual([HTTP, 'default/gateway/other']);
  });

  test('are none if listeners of one host and port differ', () => {
    expect(keysOf([policy({ section: 'http' }, trust)], listener(), other)).toEqual([]);
    expect(keysOf([policy({}, trust)], listener(), other)).toEqual([HTTP, 'default/gateway/other']);
    expect(keysOf([policy({ section: 'http' }, trust)], listener({ hostname: 'a.test' }), other)).toEqual([HTTP]);
  });

  test('do not depend on a listener that is not served', () => {
    const unserved = { ...other, unserved: 'its certificate is missing' } as ir.Listener;
    expect(keysOf([policy({ section: 'http' }, trust)], listener(), unserved)).toEqual([HTTP]);
  });

  test.each<[string, object, boolean]>([
    ['no setting', {}, false],
    ['a header', { header: 'x-real-ip' }, true],
    ['a number of proxies', { trustedHops: 2 }, true],
    ['the number 0 and other settings', { trustedHops: 0, trustedCIDRs: ['10.0.0.0/8'], header: 'x-real-ip' }, false],
  ])('with %s (%j), some proxy is trusted: %s', (_, clientIP, any) => {
    expect(keysOf([policy({}, { clientIP } as Settings)], listener())).toEqual(any ? [HTTP] : []);
  });
});
