// The nftables rules for Services; the cluster tests show their effect.
import { describe, expect, test } from '@jest/globals';
import { planOf } from './address-plan.ts';
import type { Endpoint, EndpointSlice, Service } from './objects.ts';
import { rulesetOf, serviceEntries } from './ruleset.ts';

const SERVICE: Service = {
  metadata: { namespace: 'default', name: 'web' },
  spec: { type: 'NodePort', clusterIP: '100.64.8.9', ports: [{ name: 'http', port: 80, nodePort: 30080, protocol: 'TCP' }] },
};
const READY = { ready: true, serving: true, terminating: false };
const ENDING = { ready: false, serving: true, terminating: true };

function slice(endpoints: readonly Endpoint[], name = 'web'): EndpointSlice {
  const labels = { 'kubernetes.io/service-name': name };
  const metadata = { namespace: 'default', name: `${name}-1`, labels };
  return { metadata, addressType: 'IPv4', endpoints, ports: [{ name: 'http', port: 8080 }] };
}

function destinations(endpoints: readonly Endpoint[]): string[] {
  const entries = serviceEntries([SERVICE], [slice(endpoints)], []);
  return entries.flatMap((entry) => entry.destinations.map(({ address, port }) => `${address}:${port}`));
}

describe('Service entries', () => {
  test('have the addresses of the Service, its balancer and its nodes', () => {
    const balanced = { ...SERVICE, status: { loadBalancer: { ingress: [{ ip: '100.64.12.1' }] } } };
    const [entry] = serviceEntries([balanced], [], ['100.64.0.10']);
    expect(entry?.frontends).toEqual([
      { address: '100.64.8.9', port: 80 },
      { address: '100.64.12.1', port: 80 },
      { address: '100.64.0.10', port: 30080 },
    ]);
  });

  test('send to endpoints that are ready', () => {
    const waiting = { addresses: ['100.64.1.3'], conditions: { ready: false, serving: false, terminating: false } };
    const ready = { addresses: ['100.64.1.1'], conditions: READY };
    expect(destinations([ready, waiting, { addresses: ['100.64.1.2'], conditions: ENDING }])).toEqual(['100.64.1.1:8080']);
  });

  test('send to those that end but serve when no other is left', () => {
    expect(destinations([{ addresses: ['100.64.1.2'], conditions: ENDING }])).toEqual(['100.64.1.2:8080']);
  });

  test('leave out headless Services, other Services’ endpoints and ports of other names', () => {
    expect(serviceEntries([{ ...SERVICE, spec: { ...SERVICE.spec, clusterIP: 'None' } }], [], [])).toEqual([]);
    const others = [
      slice([{ addresses: ['100.64.1.1'] }], 'other'),
      { ...slice([{ addresses: ['100.64.1.1'] }]), ports: [{ name: 'x', port: 1 }] },
    ];
    expect(serviceEntries([SERVICE], others, [])[0]?.destinations).toEqual([]);
  });
});

describe('ruleset', () => {
  const plan = planOf(0);

  test('balances over the endpoints of each port', () => {
    const entries = serviceEntries([SERVICE], [slice([{ addresses: ['100.64.1.1'] }, { addresses: ['100.64.1.2'] }])], []);
    const text = rulesetOf(entries, plan);
    expect(text).toContain('100.64.8.9 . tcp . 80 : goto service_0');
    expect(text).toContain('meta l4proto tcp dnat ip to numgen inc mod 2 map { 0 : 100.64.1.1 . 8080, 1 : 100.64.1.2 . 8080 }');
  });

  test('keeps a peer at one endpoint if the Service requests affinity', () => {
    const sticky = { ...SERVICE, spec: { ...SERVICE.spec, sessionAffinity: 'ClientIP' } };
    expect(rulesetOf(serviceEntries([sticky], [slice([{ addresses: ['100.64.1.1'] }])], []), plan)).toContain('jhash ip saddr mod 1');
  });

  test('refuses connections to a Service without endpoints', () => {
    const text = rulesetOf(serviceEntries([SERVICE], [], []), plan);
    expect(text).not.toContain('goto');
    expect(text).toContain('ip daddr { 100.64.8.0/22, 100.64.12.0/24 } meta l4proto tcp reject with tcp reset');
  });
});
