// What passes through, changed on its way, as a user writes it: `weir validate --strict` accepts the manifest, and `weir up` does what its
// comments say.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const MANIFEST = path.join(import.meta.dirname, 'processing.yaml');

let folder = '';
let port = 0;
let backends: readonly http.Server[] = [];
let weir: Child;
/** The requests at the backends. */
const seen: http.IncomingMessage[] = [];
/** Answers wait for it. */
let gate = Promise.resolve();

interface Answer {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(target: string, headers: http.OutgoingHttpHeaders = {}, body?: string): Promise<Answer> {
  const method = body === undefined ? 'GET' : 'POST';
  const request = http.request({ host: '127.0.0.1', port, path: target, method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** Answers with 4 KiB of JSON that caches may keep. */
function serve(request: http.IncomingMessage, response: http.ServerResponse): void {
  seen.push(request);
  request.resume();
  void gate.then(() => {
    response.setHeader('cache-control', 'max-age=60');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ text: 'x'.repeat(4_096) }));
  });
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-processing-'));
  const ports = await freePorts(4);
  const own = new Map(['27080', '27001', '27002', '27003'].map((each, i) => [each, String(ports[i])]));
  const manifest = readFileSync(MANIFEST, 'utf8').replaceAll(/\b270(80|0[123])\b/g, (each) => own.get(each) ?? each);
  writeFileSync(path.join(folder, 'all.yaml'), manifest);
  [port = 0] = ports;
  backends = ports.slice(1).map((each) => http.createServer(serve).listen(each, '127.0.0.1'));
  await Promise.all(backends.map((backend) => once(backend, 'listening')));
  weir = new Child(['up', folder, '--access-log', 'off']);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  for (const backend of backends) backend.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => void seen.splice(0));

test('weir validate --strict accepts the manifest', async () => {
  const { code, stdout, stderr } = await runWeir(['validate', '--strict', MANIFEST]);
  expect([code, stdout + stderr]).toEqual([0, '10 objects, 0 errors, 0 warnings\n']);
});

test('the second answer comes from the cache, with Age and Cache-Status', async () => {
  const first = await ask('/cached');
  const second = await ask('/cached');
  expect([first.status, second.status, second.body]).toEqual([200, 200, first.body]);
  expect(seen.map(({ url }) => url)).toEqual(['/cached']);
  expect(Number(second.headers['age'])).toBeGreaterThanOrEqual(0);
  expect(second.headers['cache-status']).toMatch(/^weir; ?hit/i);
});

test('ten requests at once ask the backend once', async () => {
  let open = (): void => undefined;
  gate = new Promise((resolve) => (open = resolve));
  const answers = Array.from({ length: 10 }, () => ask('/together'));
  await until(() => seen.length > 0, 'a request at a backend');
  open();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  expect(seen.map(({ url }) => url)).toEqual(['/together']);
});

test('an answer comes compressed, with Vary', async () => {
  const { headers } = await ask('/compressed', { 'accept-encoding': 'gzip' });
  expect(headers['content-encoding']).toBe('gzip');
  expect(headers.vary?.toLowerCase()).toContain('accept-encoding');
});

test('the path and a header of a request are made of its path', async () => {
  expect((await ask('/v1/users/7')).status).toBe(200);
  expect(seen.map(({ url, headers }) => [url, headers['x-user']])).toEqual([['/accounts/7', '7']]);
});

test('a body that breaks the document gets a problem that names every fault', async () => {
  const { status, headers, body } = await ask('/checked', { 'content-type': 'application/json' }, '{"age":-1}');
  expect([status, headers['content-type']]).toEqual([400, 'application/problem+json']);
  expect(JSON.parse(body)).toMatchObject({
    code: 'request_invalid',
    errors: [
      { in: 'body', pointer: '/name', reason: 'is required' },
      { in: 'body', pointer: '/age', reason: 'must be >= 0' },
    ],
  });
  expect(seen).toEqual([]);
  expect((await ask('/checked', { 'content-type': 'application/json' }, '{"name":"a","age":1}')).status).toBe(200);
});
