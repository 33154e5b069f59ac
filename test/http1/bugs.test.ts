// Exceptions in the proxy's own code: each ends its exchange or its connection only.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { H1Downstream } from '../../proxy/codec/h1/downstream.ts';
import { H1Upstream } from '../../proxy/codec/h1/upstream.ts';
import type { ResponseFilter } from '../../proxy/exchange/plan.ts';
import { FilterPool } from '../../proxy/filter/filter-pool.ts';
import { Runtime } from '../../proxy/runtime/runtime.ts';
import { RequestMetrics } from '../../proxy/telemetry/request-metrics.ts';
import { closeAfterEach, get, openChain, openClient } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import type { Chain } from '../support/fixture.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();
afterEach(() => void jest.restoreAllMocks());

/** Makes a method of a class throw at its next call. */
function breakOnce(prototype: object, method: string): void {
  const methods = prototype as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[method] as (...args: unknown[]) => unknown;
  let broken = false;
  jest.spyOn(methods, method).mockImplementation(function (this: unknown, ...args) {
    if (broken) return original.apply(this, args);
    broken = true;
    throw new Error('a bug');
  });
}

function bugs({ proxy }: Chain): Promise<string> {
  return proxy.worker.registry.getSingleMetricAsString('weir_bugs_total');
}

/** The worker serves another client normally, and has released the failed exchange. */
async function goesOn({ proxy }: Chain): Promise<void> {
  const other = await openClient(proxy.port);
  expect(status(await other.ask(get()))).toBe(200);
  await until(() => proxy.metric('weir_requests_active') === 0, 'the end of all exchanges');
}

describe('a bug', () => {
  test('of the matcher is answered', async () => {
    const chain = await openChain();
    breakOnce(Runtime.prototype, 'match');
    const answer = await chain.client.ask(get());
    expect([status(answer), JSON.parse(answer.body)]).toEqual([500, expect.objectContaining({ code: 'internal_error' })]);
    expect(await bugs(chain)).toContain('place="exchange"} 1');
    await goesOn(chain);
  });

  test('in a response filter is answered, without the filter', async () => {
    const filter: ir.Filter = {
      type: 'ResponseHeaderModifier',
      headers: { set: [{ name: 'x-set', value: '1' }], add: [], remove: [] },
    };
    const chain = await openChain(undefined, { filters: [filter] });
    expect(status(await chain.client.ask(get()))).toBe(200);
    const [built] = new FilterPool({} as never).chain([filter], null).response ?? [];
    jest.spyOn(Object.getPrototypeOf(built) as ResponseFilter, 'response').mockImplementation(() => {
      throw new Error('a bug');
    });
    for (const times of [1, 2]) {
      expect(status(await chain.client.ask(get()))).toBe(500);
      expect(await bugs(chain)).toContain(`place="exchange"} ${times}`);
    }
    jest.restoreAllMocks();
    await goesOn(chain);
  });

  test('of the recorder is counted only', async () => {
    // Before the proxy starts: it binds the methods of listeners then.
    breakOnce(RequestMetrics.prototype, 'ended');
    const chain = await openChain();
    expect(status(await chain.client.ask(get()))).toBe(200);
    expect(await bugs(chain)).toContain('place="exchange"} 1');
    const other = await openClient(chain.proxy.port);
    expect(status(await other.ask(get()))).toBe(200);
  });

  test('during the answer cuts it', async () => {
    const chain = await openChain(ok('hello'));
    breakOnce(H1Downstream.prototype, 'writeData');
    chain.client.write(get());
    await chain.client.over();
    await goesOn(chain);
  });

  test('in the codec ends its connection', async () => {
    const chain = await openChain();
    breakOnce(H1Downstream.prototype, 'data');
    chain.client.write(get());
    await chain.client.over();
    expect(await bugs(chain)).toContain('place="downstream"} 1');
    await goesOn(chain);
  });

  test('in the codec to the backend ends the attempt', async () => {
    const chain = await openChain();
    breakOnce(H1Upstream.prototype, 'data');
    expect(status(await chain.client.ask(`POST / HTTP/1.1\r\nHost: a\r\n\r\n`))).toBe(502);
    expect(await bugs(chain)).toContain('place="upstream"} 1');
    await goesOn(chain);
  });
});
