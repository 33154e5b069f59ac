// `weir up` says in its log which backends have troubles, and when these end: once, with two workers and many failures.
import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';

const APP = 'Backend/default/app';
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A backend that the test lets fail and recover. */
async function backend(): Promise<{ port: number; fails: boolean }> {
  const state = { port: 0, fails: false };
  const server = http.createServer((_, response) => response.writeHead(state.fails ? 500 : 200).end('answer')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close().closeAllConnections());
  state.port = (server.address() as net.AddressInfo).port;
  return state;
}

function policy(spec: object): object {
  return {
    apiVersion: 'gateway.weir.dev/v1alpha1',
    kind: 'BackendTrafficPolicy',
    metadata: { name: 'app' },
    spec: { targetRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }], ...spec },
  };
}

async function serve(objects: readonly object[]): Promise<OperatedWeir> {
  const up = await OperatedWeir.start(objects);
  closers.push(() => up.stop());
  return up;
}

describe('the log of weir up', () => {
  test('has the ejection of an endpoint and its return', async () => {
    const [good, bad] = [await backend(), await backend()];
    const passive = { consecutive5xx: 1, baseEjectionTime: '1s', maxEjectionPercent: 100 };
    const up = await serve([...appAt([good.port, bad.port]), policy({ healthCheck: { passive } })]);
    bad.fails = true;
    await up.askUntil(/"reason":"EndpointsEjected"/);
    const [line] = up.said('EndpointsEjected');
    expect(line).toMatchObject({
      backend: APP,
      msg: `127.0.0.1:${bad.port} is ejected at proxy weir-up, because requests fail: 1 of 2 endpoints; weir status shows more`,
    });
    bad.fails = false;
    await up.printed(/"reason":"EndpointsReturned"/);
    expect(up.said('EndpointsEjected')).toHaveLength(1);
  });

  test('has a breaker that opens and closes', async () => {
    const only = await backend();
    const circuitBreaker = { consecutiveFailures: 1, openFor: '1s' };
    const up = await serve([...appAt([only.port]), policy({ circuitBreaker })]);
    only.fails = true;
    await up.askUntil(/"reason":"BreakerOpened"/);
    only.fails = false;
    await up.askUntil(/"reason":"BreakerClosed"/);
    expect(up.said('BreakerOpened')).toMatchObject([
      { backend: APP, msg: 'the circuit breaker is open at proxy weir-up: requests are refused; weir status shows more' },
    ]);
  });

  test('has a backend without a healthy endpoint', async () => {
    const only = await backend();
    only.fails = true;
    const active = { type: 'HTTP', path: '/', interval: '100ms', unhealthyThreshold: 1, healthyThreshold: 1 };
    const up = await serve([...appAt([only.port]), policy({ healthCheck: { active } })]);
    await up.askUntil(/"reason":"NoHealthyEndpoint"/);
    only.fails = false;
    await up.printed(/"reason":"HealthyEndpoints"/);
    expect(up.said('NoHealthyEndpoint')).toMatchObject([
      { backend: APP, msg: 'its only endpoint is not healthy at proxy weir-up; weir status shows more' },
    ]);
  });
});
