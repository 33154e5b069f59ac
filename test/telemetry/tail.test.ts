// `weir proxies tail` at `weir up` with two workers, as processes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import type { TailEnd, TailLine } from '../../controller/operations/tail.ts';
import { Backend } from '../support/backend.ts';
import { startUp } from '../support/up.ts';
import type { Up } from '../support/up.ts';

let backend: Backend;
let up: Up;

beforeAll(async () => {
  backend = await new Backend('one').start();
  up = await startUp([backend.port], '--workers', '2');
});
afterAll(async () => {
  await up.stop();
  await backend.stop();
});

/** A request on a new connection, which may reach either worker. Resolves to the status. */
function ask(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: up.port, headers: { host, 'user-agent': 'tailed' }, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
  });
}

interface Tail {
  readonly lines: TailLine[];
  readonly response: http.IncomingMessage;
  readonly ended: Promise<TailEnd>;
}

/** Opens a tail over HTTP. */
function openTail(input: object): Promise<Tail> {
  const options = { host: '127.0.0.1', port: up.adminPort, path: '/proxies/tail', method: 'POST', agent: false };
  return new Promise((resolve, reject) => {
    const request = http.request({ ...options, headers: { 'content-type': 'application/json' } }, (response) => {
      const lines: TailLine[] = [];
      const { promise: ended, resolve: end } = Promise.withResolvers<TailEnd>();
      let rest = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const value = JSON.parse(part) as TailLine | TailEnd;
          if ('proxies' in value) end(value);
          else lines.push(value);
        }
      });
      response.on('error', () => undefined);
      resolve({ lines, response, ended });
    });
    request.on('error', reject).end(JSON.stringify(input));
  });
}

/** Sends pairs of requests, one that finds the route and one that does not, until the condition holds. */
async function askUntil(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    expect([await ask('app.test'), await ask('other.test')]).toEqual([200, 404]);
  }
}

describe('a tail', () => {
  test('has lines of requests although the access log is off, of the kind that the filter names', async () => {
    const tail = await openTail({ filter: 'status=404', duration: '1m' });
    await askUntil(() => tail.lines.length > 3, 'lines');
    tail.response.destroy();
    expect(tail.lines.map(({ proxy }) => proxy)).toEqual(tail.lines.map(() => 'weir-up'));
    for (const { line } of tail.lines) expect(JSON.parse(line)).toMatchObject({ status: 404, userAgent: 'tailed' });
  });

  test.each(['0', '1'])('of worker %s alone has its lines', async (worker) => {
    const tail = await openTail({ worker, duration: '1m' });
    await askUntil(() => tail.lines.length > 0, `lines of worker ${worker}`);
    tail.response.destroy();
  });

  test('ends by itself, and counts the lines above its rate', async () => {
    const tail = await openTail({ rate: 2, duration: '2s' });
    let end: TailEnd | null = null;
    void tail.ended.then((ended) => (end = ended));
    await askUntil(() => end !== null, 'the end of the tail');
    const ended = await tail.ended;
    expect(ended).toMatchObject({ proxies: [{ proxy: 'weir-up', outcome: 'done', reason: expect.stringMatching(/^[0-9]+ more lines/) }] });
    // Two workers share the rate, with as many at once.
    expect(tail.lines.length).toBeLessThan(20);
  });

  test('goes on at one worker while another is killed, and says so', async () => {
    const tail = await openTail({ duration: '5s' });
    await askUntil(() => tail.lines.length > 0, 'lines');
    up.child.killWorker();
    const { proxies } = await tail.ended;
    expect(proxies).toMatchObject([{ outcome: 'failed', reason: 'a worker has ended; the rest of its result is missing' }]);
  });
});

describe('weir proxies tail', () => {
  test('prints lines as the access log has them', async () => {
    let code: number | null | undefined;
    const running = up.weir('proxies', 'tail', '--duration', '2s', '--filter', 'route=default/app');
    void running.then((finished) => (code = finished.code));
    await askUntil(() => code !== undefined, 'the end of the command');
    const { stdout } = await running;
    expect(code).toBe(0);
    for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ route: 'HTTPRoute/default/app/0', status: 200 });
  });

  test.each([
    [['nowhere'], /no proxy reports under the name nowhere/],
    [['--filter', 'status=700x'], /filter: status: "700x" is neither/],
    [['--duration', '11m'], /duration: must be from 1ms to 10m/],
    [['--rate', '0'], /--rate: "0" is too small/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await up.weir('proxies', 'tail', ...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
  });

  test('names a worker that a proxy does not have', async () => {
    const { code, stderr } = await up.weir('proxies', 'tail', '--worker', '7');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('worker: "7" is no worker; this proxy has 0 to 1') });
  });
});
