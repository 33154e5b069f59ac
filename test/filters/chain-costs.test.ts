// The cost of the parts of a chain, measured for some requests of a rule.
import { expect, test } from '@jest/globals';
import type { FilterVerdict } from '../../proxy/exchange/plan.ts';
import type { PartCost } from '../../proxy/filter/chain-meter.ts';
import { closeAfterEach, post } from '../support/fixture.ts';
import { openFiltered } from '../support/filtered.ts';

closeAfterEach();

test('the parts of a chain are timed for a number of requests, and not after that', async () => {
  const { proxy, client } = await openFiltered([
    () => ({ request: () => 'continue' }),
    () => ({
      request: async (): Promise<FilterVerdict> => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return 'continue';
      },
      response: () => undefined,
    }),
  ]);
  const parts: Buffer[] = [];
  const part = (data: Buffer): Promise<void> => Promise.resolve(void parts.push(data));
  const { signal } = new AbortController();
  const [key = ''] = proxy.worker.resources().routes.map((route) => route.key);
  const inspected = proxy.worker.inspect({ kind: 'chain', route: key, requests: 2 }, { part, signal });
  for (let i = 0; i < 4; i++) expect((await client.ask(post('hello'))).body).toBe('ok');
  expect((await inspected).ok).toBe(true);
  const costs = Buffer.concat(parts)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PartCost);
  expect(costs.map(({ name, half, calls, waits }) => [name, half, calls, waits])).toEqual([
    ['Test0', 'request', 2, 0],
    ['Test1', 'request', 2, 2],
    ['Test1', 'response', 2, 0],
  ]);
  expect(costs[1]?.waited).toBeGreaterThan(5);
  const unknown = await proxy.worker.inspect({ kind: 'chain', route: 'none', requests: 1 }, { part, signal });
  expect(unknown).toEqual({ ok: false, error: 'route: this proxy has no rule "none"' });
});
