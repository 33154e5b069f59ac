// `weir top` and `weir errors` at `weir up` with traffic, and the API behind them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ErrorAnswer } from '../../controller/operations/errors.ts';
import type { Top } from '../../controller/telemetry/window/top.ts';
import { Backend } from '../support/backend.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';

const ROUTE = 'HTTPRoute/default/app/0';
const DEADLINE_MS = 30_000;
const SECRET = 'hunter2-never-shown';
let backend: Backend;
let up: OperatedWeir;

beforeAll(async () => {
  backend = await new Backend('one').start();
  up = await OperatedWeir.start(appAt([backend.port]));
  await up.ask(20);
});

afterAll(async () => {
  await up.stop();
  await backend.stop();
});

/** What an operation answers once it meets a condition. */
async function answered<Answer>(path: string, condition: (answer: Answer) => boolean): Promise<Answer> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const { body } = await up.operate('GET', path);
    if (condition(body as Answer)) return body as Answer;
    if (performance.now() > deadline) throw new Error(`waited in vain for another answer than ${JSON.stringify(body)}`);
  }
}

test('weir top shows routes, backends and endpoints with rates and percentiles', async () => {
  const shown = await answered<Top>('/top', ({ routes }) => routes.some(({ requestsPerSecond }) => requestsPerSecond > 0));
  const row = { failuresPerSecond: 0, p50Ms: expect.any(Number), p99Ms: expect.any(Number), requestsPerSecond: expect.any(Number) };
  expect(shown.routes).toEqual([{ route: ROUTE, ...row }]);
  expect(shown.backends).toEqual([{ backend: 'Backend/default/app', ...row }]);
  expect(shown.endpoints).toEqual([{ backend: 'Backend/default/app', endpoint: `127.0.0.1:${backend.port}`, ...row }]);
  const { code, output } = await up.weir('top', '--once');
  expect([code, output]).toEqual([
    0,
    expect.stringMatching(/The last 1m[^]*ROUTES \(1\)[^]*HTTPRoute\/default\/app\/0[^]*ms\n[^]*BACKENDS[^]*ENDPOINTS/),
  ]);
  const { output: json } = await up.weir('top', '-o', 'json', '--range', '10m');
  expect(JSON.parse(json)).toMatchObject({ rangeMs: 600_000, routes: [{ route: ROUTE }] });
});

test('a query answers with the sums of all workers', async () => {
  const of = { metric: 'requests', where: [{ label: 'class', is: 'equal', value: '2xx' }], by: ['route'], range: '10m' };
  const { body } = await up.operate('POST', '/window/query', { function: 'sum', of });
  expect(body).toMatchObject({ values: [{ labels: { route: ROUTE }, value: 20 }], missing: [] });
  const bytes = await up.operate('POST', '/window/query', { function: 'rate', of: { metric: 'response_bytes' } });
  expect((bytes.body as { readonly values: readonly { readonly value: number }[] }).values[0]?.value).toBeGreaterThan(0);
  const usable = await up.operate('GET', '/window/gauge?name=endpoints_usable');
  expect(usable.body).toMatchObject({ values: [{ labels: { backend: 'Backend/default/app' }, value: 1 }] });
  const wrong = await up.operate('POST', '/window/query', { function: 'ratio', of: { ...of, range: 'long' } });
  expect(wrong).toMatchObject({ status: 400, body: { errors: [{ field: 'of.range' }] } });
});

test('weir errors groups failures, and shows one group with requests without their secrets', async () => {
  await backend.stop();
  const headers = { authorization: `Bearer ${SECRET}`, cookie: `session=${SECRET}`, 'x-note': 'kept' };
  for (let count = 0; count < 3; count++) await fetch(`http://127.0.0.1:${up.port}/pay?password=${SECRET}`, { headers });
  const counted = ({ groups }: ErrorAnswer): boolean => groups.reduce((sum, { count }) => sum + count, 0) === 3;
  const { groups } = await answered<ErrorAnswer>('/errors', counted);
  expect(groups).toMatchObject([
    { code: 'upstream_connect_failed', route: ROUTE, cause: 'ECONNREFUSED', trend: 'new', proxies: ['weir-up'] },
  ]);
  const list = await up.weir('errors', '--route', 'default/app');
  expect([list.code, list.output]).toEqual([0, expect.stringMatching(/ID +TREND[^]*new[^]*upstream_connect_failed +HTTPRoute/)]);
  expect((await up.weir('errors', '--code', 'rate_limited')).output).toContain('no failures');
  const one = await up.weir('errors', groups[0]?.id ?? '');
  expect(one.output).toMatch(/at weir-up: GET 127\.0\.0\.1:\d+\/pay\?password=\[redacted\][^]*x-note: kept/);
  expect(one.output).not.toContain(SECRET);
  expect(await up.weir('errors', 'nothing')).toMatchObject({
    code: 2,
    output: expect.stringContaining('no failures have the id "nothing"'),
  });
});
