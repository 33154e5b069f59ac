// `weir breaker` and breakers in `weir status` at `weir up`, as processes.
import { afterEach, describe, expect, test } from '@jest/globals';
import { Backend } from '../support/backend.ts';
import { freePorts } from '../support/free-port.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';

const APP = 'Backend/default/app';
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A breaker that opens after a failure and does not close while the test runs. */
const POLICY = {
  apiVersion: 'gateway.weir.dev/v1alpha1',
  kind: 'BackendTrafficPolicy',
  metadata: { name: 'app' },
  spec: {
    targetRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }],
    circuitBreaker: { consecutiveFailures: 1, openFor: '1h' },
  },
};

async function operate(objects: readonly object[]): Promise<OperatedWeir> {
  const up = await OperatedWeir.start(objects);
  closers.push(() => up.stop());
  return up;
}

async function running(): Promise<Backend> {
  const backend = await new Backend('app').start();
  closers.push(() => backend.stop());
  return backend;
}

async function answers(up: OperatedWeir, times: number): Promise<readonly string[]> {
  const all = (await up.ask(times)).map(({ status, body }) =>
    status === 200 ? '200' : (/circuit_open|upstream_\w+/.exec(body)?.[0] ?? body),
  );
  return [...new Set(all)];
}

describe('weir breaker', () => {
  test('opens the breaker of a backend at all workers until it is withdrawn', async () => {
    const up = await operate(appAt([(await running()).port]));
    expect(await up.weir('breaker', 'open', APP)).toMatchObject({ code: 0, output: expect.stringContaining('done') });
    expect(await answers(up, 10)).toEqual(['circuit_open']);
    const { problems, overrides } = await up.statusWith(({ backends }) => backends[0]?.breakers['forced-open'] === 1);
    expect(overrides).toMatchObject([{ kind: 'breaker', backend: APP, state: 'open' }]);
    expect(problems).toContainEqual({
      severity: 'warning',
      object: `backend ${APP}`,
      message: `an operator forces its breaker open; weir breaker auto ${APP} ends that`,
    });
    expect((await up.weir('status')).output).toMatch(
      /Backends[^]*breaker forced-open[^]*Overrides[^]*breaker +Backend\/default\/app +open/,
    );
    expect(await up.weir('breaker', 'auto', APP)).toMatchObject({ code: 0 });
    expect(await answers(up, 10)).toEqual(['200']);
    expect((await up.statusWith(({ backends }) => backends[0]?.breaker === '')).overrides).toEqual([]);
  });

  test('closes a breaker that failures have opened, which is critical in the status', async () => {
    const [port = 0] = await freePorts(1);
    const up = await operate([...appAt([port]), POLICY]);
    await answers(up, 3);
    const { problems } = await up.statusWith(({ backends }) => backends[0]?.breaker === 'open');
    expect(problems).toContainEqual({ severity: 'critical', object: `backend ${APP}`, message: 'its breaker is open at 1 proxy' });
    const backend = await new Backend('app').start(port);
    closers.push(() => backend.stop());
    expect(await answers(up, 10)).toEqual(['circuit_open']);
    expect(await up.weir('breaker', 'close', APP)).toMatchObject({ code: 0 });
    expect(await answers(up, 10)).toEqual(['200']);
    await up.statusWith(({ backends }) => backends[0]?.breaker === 'forced-closed');
  });

  test.each([
    ['app', `no backend has the name "app"; did you mean ${APP}?`],
    ['Backend/default/ap', `did you mean ${APP}?`],
    ['Service/elsewhere/cart/80', 'weir status --all lists the backends'],
  ])('names a backend that the controller does not know: %s', async (name, message) => {
    const up = await operate(appAt([(await running()).port]));
    expect(await up.weir('breaker', 'open', name)).toMatchObject({ code: 2, output: expect.stringContaining(message) });
    expect(await up.weir('breaker', 'out', APP)).toMatchObject({
      code: 2,
      output: expect.stringContaining('weir breaker takes one of open, close, auto, and one BACKEND'),
    });
  });
});
