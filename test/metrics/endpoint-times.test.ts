// The times of endpoints as a scraper reads them: a histogram per endpoint over all workers, with a limit on their number.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { Agent, request } from 'undici';
import { startUp } from '../support/up.ts';
import type { Up } from '../support/up.ts';

const SLOW_MS = 300;
const REQUESTS = 24;
const NAME = 'weir_endpoint_first_byte_seconds';

let prompt: http.Server;
let slow: http.Server;

async function serve(ms: number): Promise<http.Server> {
  const server = http.createServer((_, response) => void setTimeout(() => response.end('ok'), ms)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: http.Server): number {
  return (server.address() as net.AddressInfo).port;
}

beforeAll(async () => {
  [prompt, slow] = await Promise.all([serve(0), serve(SLOW_MS)]);
});

afterAll(() => {
  for (const server of [prompt, slow]) server.close().closeAllConnections();
});

/** The values of the family, by `<endpoint> <name> <bound>`. */
async function timesOf(up: Up): Promise<ReadonlyMap<string, number>> {
  const [, probe = ''] = await up.child.printed(/metrics on (http:\S+?)[,\s"]/);
  const { body } = await request(new URL('/metrics', probe));
  const lines = (await body.text()).split('\n').filter((line) => line.startsWith(NAME));
  return new Map(
    lines.map((line) => {
      const label = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(line)?.[1] ?? '';
      const [series = ''] = line.slice(NAME.length + 1).split('{');
      return [`${label('endpoint')} ${series} ${label('le')}`.trim(), Number(line.slice(line.lastIndexOf(' ')))];
    }),
  );
}

/** Sends every request on a connection of its own, so that all workers get some. */
async function ask(up: Up): Promise<void> {
  const send = async () => {
    const agent = new Agent();
    const { statusCode, body } = await request(`http://127.0.0.1:${up.port}/`, { headers: { host: 'app.test' }, dispatcher: agent });
    await body.dump();
    expect(statusCode).toBe(200);
    await agent.close();
  };
  await Promise.all(Array.from({ length: REQUESTS }, send));
}

describe.each([
  ['two workers', ['--workers', '2']],
  ['one worker', ['--workers', '1']],
] as const)('with %s', (_, flags) => {
  let up: Up;
  beforeAll(async () => {
    up = await startUp([portOf(prompt), portOf(slow)], '--probe-port', '0', ...flags);
    await ask(up);
  });
  afterAll(() => up.stop());

  test('each endpoint has its answers in buckets, so that a slow one stands out', async () => {
    const times = await timesOf(up);
    const of = (server: http.Server, series: string) => times.get(`127.0.0.1:${portOf(server)} ${series}`) ?? 0;
    expect(of(prompt, 'count') + of(slow, 'count')).toBe(REQUESTS);
    expect(of(slow, 'count')).toBeGreaterThan(0);
    expect(of(slow, 'bucket 0.25')).toBe(0);
    expect(of(slow, 'bucket +Inf')).toBe(of(slow, 'count'));
    expect(of(slow, 'sum')).toBeGreaterThanOrEqual((of(slow, 'count') * SLOW_MS * 0.99) / 1_000);
    expect(of(prompt, 'bucket +Inf')).toBe(of(prompt, 'count'));
  });
});

test('endpoints above the limit share one histogram', async () => {
  const up = await startUp([portOf(prompt), portOf(slow)], '--probe-port', '0', '--workers', '1', '--max-metric-endpoints', '1');
  try {
    await ask(up);
    const times = await timesOf(up);
    const endpoints = new Set([...times.keys()].map((key) => key.split(' ')[0]));
    expect(endpoints.size).toBe(2);
    expect(endpoints).toContain('other');
    const counts = [...times].filter(([key]) => key.endsWith(' count')).map(([, value]) => value);
    expect(counts.reduce((sum, value) => sum + value)).toBe(REQUESTS);
  } finally {
    await up.stop();
  }
});
