// The plan of a connection on a stream route.
import { expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { PolicyIndex } from '#api/policy/layers.ts';
import { streamBackend, streamRoute } from '../../test/support/proxy.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { EndpointRegistry } from '../cluster/endpoint.ts';
import { ERRORS } from '../exchange/errors.ts';
import { UpstreamCounts } from '../exchange/upstream-counts.ts';
import { ClusterMap } from './cluster-map.ts';
import { StreamRoutes } from './stream-routes.ts';

const LISTENER = 'default/gateway/http';

function routes(): StreamRoutes {
  const registry = new EndpointRegistry(() => {
    throw new Error('nothing is sent');
  }, new TimerWheel());
  return new StreamRoutes(new ClusterMap({ registry, counts: new UpstreamCounts(10), made: () => undefined }));
}

function withProxyProtocol(): PolicyIndex {
  const target = { kind: 'Service', namespace: 'default', name: 'app', section: '' };
  const fields = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'p', createdAt: 0, targets: [target] };
  return new PolicyIndex([{ kind: 'Policy', key: 'BackendTrafficPolicy/default/p', ...fields, settings: { proxyProtocol: 'V2' } }]);
}

test('an added route is found, and a removed one is not', () => {
  const found = routes();
  expect(found.find([LISTENER], '')).toBeNull();
  const route = streamRoute();
  found.set(route);
  expect(found.find([LISTENER], '')).toMatchObject({ listener: LISTENER, plan: { key: route.key, totalWeight: 1 } });
  found.remove(route.key);
  expect(found.find([LISTENER], '')).toBeNull();
});

test('a plan lasts as long as its route', () => {
  const found = routes();
  found.set(streamRoute());
  const before = found.find([LISTENER], '')?.plan;
  found.set(streamRoute({ name: 'other', key: 'TCPRoute/default/other/0', attachments: [] }));
  expect(found.find([LISTENER], '')?.plan).toBe(before);
  found.set(streamRoute());
  expect(found.find([LISTENER], '')?.plan).not.toBe(before);
});

test('a policy of a backend changes the plans of its routes only', () => {
  const found = routes();
  const to = (name: string, listener: string): ir.StreamRoute =>
    streamRoute({ name, key: `TCPRoute/default/${name}/0`, attachments: [{ listener, hostnames: [''] }], backends: [streamBackend(name)] });
  found.set(to('app', 'default/gateway/a'));
  found.set(to('db', 'default/gateway/b'));
  const plans = () => ['a', 'b'].map((name) => found.find([`default/gateway/${name}`], '')?.plan);
  const before = plans();
  found.setPolicies(withProxyProtocol(), new Set(['Service/default/app']));
  const after = plans();
  expect(after[0]?.backends).toMatchObject([{ proxyProtocol: 2 }]);
  expect(after[1]).toBe(before[1]);
});

test('weights of 0 are a different error from no backends', () => {
  const found = routes();
  found.set(streamRoute({ backends: [streamBackend('app', 0)] }));
  expect(found.find([LISTENER], '')?.plan).toMatchObject({ backends: [], totalWeight: 0, nothingDrawn: ERRORS.weightsZero });
  found.set(streamRoute({ backends: [] }));
  expect(found.find([LISTENER], '')?.plan.nothingDrawn).toBe(ERRORS.noBackends);
});
