// Authentication and limits together, as a user writes them: `weir validate --strict` accepts the manifest, and `weir up` does what its
// comments say.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';

const MANIFEST = path.join(import.meta.dirname, 'security.yaml');
const KEY = { 'x-api-key': 'k-alice-0123456789' };
const BASIC = { authorization: `Basic ${Buffer.from('bob:secret').toString('base64')}` };

let folder = '';
let port = 0;
let backends: readonly http.Server[] = [];
let weir: Child;
/** The headers of the last request at a backend. */
let seen: http.IncomingHttpHeaders = {};

async function get(headers: http.OutgoingHttpHeaders): Promise<http.IncomingMessage> {
  const request = http.get({ host: '127.0.0.1', port, path: '/', headers, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  await once(response.resume(), 'end');
  return response;
}

async function serve(ports: readonly number[]): Promise<void> {
  const own = new Map(['27080', '27001', '27002', '27003'].map((each, i) => [each, String(ports[i])]));
  const manifest = readFileSync(MANIFEST, 'utf8').replaceAll(/\b270(80|0[123])\b/g, (each) => own.get(each) ?? each);
  writeFileSync(path.join(folder, 'all.yaml'), manifest);
  [port = 0] = ports;
  weir = new Child(['up', folder, '--access-log', 'off']);
  await weir.printed(/serving/);
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-security-'));
  const ports = await freePorts(4);
  backends = ports.slice(1).map((each) => {
    const server = http.createServer((request, response) => {
      seen = request.headers;
      response.end('ok');
    });
    return server.listen(each, '127.0.0.1');
  });
  await Promise.all(backends.map((backend) => once(backend, 'listening')));
  await serve(ports);
});

afterAll(async () => {
  await weir.stop();
  for (const backend of backends) backend.close();
  rmSync(folder, { recursive: true, force: true });
});

test('weir validate --strict accepts the manifest', async () => {
  const { code, stdout, stderr } = await runWeir(['validate', '--strict', MANIFEST]);
  expect([code, stdout + stderr]).toEqual([0, '10 objects, 0 errors, 0 warnings\n']);
});

test('a request without credentials is answered with 401 and challenges', async () => {
  const { statusCode, rawHeaders } = await get({});
  const challenges = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'www-authenticate');
  expect(statusCode).toBe(401);
  expect(challenges.map((challenge) => challenge.split(' ', 1)[0])).toEqual(['ApiKey', 'Basic']);
});

test('a wrong key, a wrong password and an unknown user are answered with 401', async () => {
  const wrong = ['bob:wrong', 'eve:secret', 'bob:', ':'].map((pair) => ({
    authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
  }));
  for (const headers of [{ 'x-api-key': 'k-alice-012345678' }, { 'x-api-key': 'k-alice-01234567890' }, ...wrong])
    expect((await get(headers)).statusCode).toBe(401);
});

test('Basic is accepted, and the identity that a client claims never reaches the backend', async () => {
  expect((await get({ ...BASIC, 'x-consumer': 'alice', x_consumer: 'alice' })).statusCode).toBe(200);
  expect(seen).toMatchObject({ 'x-consumer': 'bob' });
  expect(seen).not.toHaveProperty('x_consumer');
  expect(seen).not.toHaveProperty('authorization');
});

test('an API key is accepted; the backend sees the consumer and no key', async () => {
  expect((await get(KEY)).statusCode).toBe(200);
  expect(seen).toMatchObject({ 'x-consumer': 'alice' });
  expect(seen).not.toHaveProperty('x-api-key');
});

test('the sixth request of a caller within ten seconds is answered with 429; other callers are counted apart', async () => {
  const statuses: (number | undefined)[] = [];
  let last = await get(KEY);
  for (statuses.push(last.statusCode); last.statusCode === 200 && statuses.length < 10; statuses.push(last.statusCode))
    last = await get(KEY);
  expect(statuses.at(-1)).toBe(429);
  expect(statuses.length).toBeLessThanOrEqual(6);
  expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  expect(last.headers).toHaveProperty('ratelimit');
  expect((await get(BASIC)).statusCode).toBe(200);
});
