// Filters that wait: for the end of their wait, whatever ends it, with real clients and backends.
import { describe, expect, test } from '@jest/globals';
import type { Exchange } from '../../proxy/exchange/exchange.ts';
import type { FilterVerdict } from '../../proxy/exchange/plan.ts';
import { reply } from '../../proxy/exchange/local-reply.ts';
import { Slot } from '../../proxy/exchange/slot.ts';
import { openFiltered, type MakeFilter } from '../support/filtered.ts';
import { closeAfterEach, get, post } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** A filter that decides on command. */
function waitingFilter(patience?: { readonly timeout: number; readonly failOpen: boolean }) {
  const { promise, resolve, reject } = Promise.withResolvers<FilterVerdict>();
  const seen: Exchange[] = [];
  const make: MakeFilter = () => ({
    ...(patience === undefined ? {} : { patience }),
    request: (exchange) => {
      seen.push(exchange);
      return promise;
    },
  });
  return { make, decide: resolve, fail: reject, seen };
}

/** Counts the requests that pass it. */
function countingFilter() {
  let passed = 0;
  const make: MakeFilter = () => ({
    request: () => {
      passed++;
      return 'continue';
    },
  });
  return { make, passed: () => passed };
}

const codeOf = (answer: { readonly body: string }): unknown => (JSON.parse(answer.body) as { readonly code: string }).code;

describe('a filter that waits', () => {
  test('delays the filters behind it and the backend, and the body of the request arrives whole', async () => {
    const [waiting, behind] = [waitingFilter(), countingFilter()];
    const { client, upstream } = await openFiltered([waiting.make, behind.make], { behaviour: ok('done') });
    client.write(post('x'.repeat(200_000)));
    await until(() => waiting.seen.length === 1, 'the filter has the request');
    expect([behind.passed(), upstream.requests.length]).toEqual([0, 0]);
    waiting.decide('continue');
    expect((await client.answer()).body).toBe('done');
    expect([behind.passed(), upstream.requests[0]?.body.length]).toEqual([1, 200_000]);
  });

  test('may answer', async () => {
    const [waiting, behind] = [waitingFilter(), countingFilter()];
    const { client, upstream } = await openFiltered([waiting.make, behind.make]);
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the request');
    reply(waiting.seen[0] as Exchange, 418, ['x-by', 'filter'], null);
    waiting.decide('answered');
    const answer = await client.answer();
    expect([status(answer), header(answer, 'x-by'), behind.passed(), upstream.requests.length]).toEqual([418, 'filter', 0, 0]);
  });

  test('is cancelled when the client leaves, and nothing runs after that', async () => {
    const [waiting, behind] = [waitingFilter(), countingFilter()];
    const { client, upstream, proxy } = await openFiltered([waiting.make, behind.make]);
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the request');
    const { signal } = waiting.seen[0] as Exchange;
    expect(signal.aborted).toBe(false);
    client.destroy();
    await until(() => signal.aborted, 'the filter is cancelled');
    waiting.decide('continue');
    await proxy.quiet();
    expect([behind.passed(), upstream.requests.length, proxy.worker.timers]).toEqual([0, 0, 0]);
    expect(proxy.metric('weir_bugs_total')).toBe(0);
  });

  test('that rejects after the end of the exchange is no bug', async () => {
    const waiting = waitingFilter();
    const { client, proxy } = await openFiltered([waiting.make]);
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the request');
    client.destroy();
    await proxy.quiet();
    waiting.fail(new Error('cancelled'));
    await new Promise(setImmediate);
    expect(proxy.metric('weir_bugs_total')).toBe(0);
  });

  test('that is out of time refuses the request, and its verdict counts no more', async () => {
    const [waiting, behind] = [waitingFilter({ timeout: 50, failOpen: false }), countingFilter()];
    const { client, upstream } = await openFiltered([waiting.make, behind.make]);
    const answer = await client.ask(get());
    expect([status(answer), codeOf(answer)]).toEqual([503, 'filter_timeout']);
    waiting.decide('continue');
    await new Promise(setImmediate);
    expect([behind.passed(), upstream.requests.length]).toEqual([0, 0]);
  });

  test('that is out of time is skipped if it fails open, and its work is cancelled', async () => {
    const [waiting, behind] = [waitingFilter({ timeout: 50, failOpen: true }), countingFilter()];
    const { client, upstream } = await openFiltered([waiting.make, behind.make], { behaviour: ok('done') });
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the request');
    const { signal } = waiting.seen[0] as Exchange;
    expect((await client.answer()).body).toBe('done');
    waiting.decide('continue');
    await new Promise(setImmediate);
    expect([signal.aborted, behind.passed(), upstream.requests.length]).toEqual([true, 1, 1]);
  });

  test('has the time of the limits if it sets none', async () => {
    const { client } = await openFiltered([waitingFilter().make], { limits: { filterTimeout: 50 } });
    expect(codeOf(await client.ask(get()))).toBe('filter_timeout');
  });
});

describe('a bug in a filter', () => {
  const bugs: [string, MakeFilter][] = [
    [
      'that throws',
      () => ({
        request: () => {
          throw new Error('a bug');
        },
      }),
    ],
    ['that rejects', () => ({ request: () => Promise.reject(new Error('a bug')) })],
    [
      'behind one that waits',
      () => ({
        request: () =>
          Promise.resolve().then(() => {
            throw new Error('a bug');
          }),
      }),
    ],
  ];
  test.each(bugs)('%s costs one exchange', async (_, make) => {
    let broken = true;
    const { client, proxy } = await openFiltered([
      (dependencies) => {
        const filter = make(dependencies);
        return { request: (exchange) => (broken ? (filter.request?.(exchange) ?? 'continue') : 'continue') };
      },
    ]);
    const answer = await client.ask(get());
    expect([status(answer), codeOf(answer), proxy.metric('weir_bugs_total')]).toEqual([500, 'internal_error', 1]);
    broken = false;
    expect(status(await client.ask(get()))).toBe(200);
  });
});

describe('the end of an exchange', () => {
  const held = new Slot<string>();

  test('is told to a filter with the value that it keeps, also after a failure', async () => {
    const ended: (readonly [number, string | null])[] = [];
    const make: MakeFilter = () => ({
      request: (exchange) => {
        held.set(exchange, exchange.path);
        return 'continue';
      },
      response: (exchange) => void exchange.responseHeaders.push('x-kept', held.get(exchange) ?? ''),
      ended: (exchange) => void ended.push([exchange.status, held.get(exchange)]),
    });
    const { client, upstream } = await openFiltered([make]);
    expect(header(await client.ask(get('/a')), 'x-kept')).toBe('/a');
    await upstream.close();
    await client.ask(get('/b'));
    expect(ended).toEqual([
      [200, '/a'],
      [502, '/b'],
    ]);
  });

  test('aborts a signal that is asked for later', async () => {
    let exchange: Exchange | null = null;
    const { client, proxy } = await openFiltered([
      () => ({
        request: (seen) => {
          exchange = seen;
          return 'continue';
        },
      }),
    ]);
    await client.ask(get());
    client.destroy();
    await proxy.quiet();
    expect((exchange as unknown as Exchange).signal.aborted).toBe(true);
  });
});
