// The settings for bad backends together, as a user writes them: `weir validate --strict` accepts the manifest, and `weir up` does what its
// comments say.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const MANIFEST = path.join(import.meta.dirname, 'resilience.yaml');

type Mood = 'well' | 'failing' | 'hanging';

/** A backend whose mood the test decides. */
class MoodyBackend {
  readonly port: number;
  readonly #server: http.Server;
  readonly #held: http.ServerResponse[] = [];
  #mood: Mood = 'well';
  /** Requests other than probes. */
  requests = 0;
  /** Requests other than probes that it has not answered. */
  held = 0;
  /** Values of x-user that it saw. */
  readonly users = new Set<string>();

  constructor(port: number) {
    this.port = port;
    this.#server = http.createServer((request, response) => {
      const user = request.headers['x-user'];
      if (typeof user === 'string') this.users.add(user);
      if (request.url !== '/healthz') {
        this.requests++;
        this.held++;
        response.once('close', () => void this.held--);
      }
      if (this.#mood === 'hanging') this.#held.push(response);
      else response.writeHead(this.#mood === 'well' ? 200 : 500).end(String(port));
    });
  }

  /** A backend that is well again answers what it held back. */
  set mood(mood: Mood) {
    this.#mood = mood;
    if (mood === 'well') for (const response of this.#held.splice(0)) response.end();
  }

  async start(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

let folder = '';
let port = 0;
let backends: readonly MoodyBackend[] = [];
let weir: Child;

/** The status of a request on a connection of its own. */
async function get(url: string, headers: http.OutgoingHttpHeaders = {}): Promise<number> {
  const request = http.get({ host: '127.0.0.1', port, path: url, headers, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  await once(response.resume(), 'end');
  return response.statusCode ?? 0;
}

/** Starts `weir up` with the manifest. Ports are free ones, and attempts may take longer, since the test itself ends those that hang. */
async function serve(ports: readonly number[]): Promise<void> {
  const own = new Map(['27080', '27001', '27002', '27003'].map((each, i) => [each, String(ports[i])]));
  const manifest = readFileSync(MANIFEST, 'utf8')
    .replaceAll(/\b270(80|0[123])\b/g, (each) => own.get(each) ?? each)
    .replace('backendRequest: 2s', 'backendRequest: 5m');
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-resilience-'));
  writeFileSync(path.join(folder, 'all.yaml'), manifest);
  weir = new Child(['up', folder, '--access-log', 'off', '--pending-timeout', '5m']);
  await weir.printed(/serving/);
}

beforeAll(async () => {
  const ports = await freePorts(4);
  port = ports[0] as number;
  backends = ports.slice(1).map((each) => new MoodyBackend(each));
  await Promise.all(backends.map((backend) => backend.start()));
  await serve(ports);
});

afterAll(async () => {
  await weir.stop();
  await Promise.all(backends.map((backend) => backend.stop()));
  rmSync(folder, { recursive: true, force: true });
});

test('weir validate --strict accepts the manifest', async () => {
  const { code, stdout, stderr } = await runWeir(['validate', '--strict', MANIFEST]);
  expect([code, stdout + stderr]).toEqual([0, '9 objects, 0 errors, 0 warnings\n']);
});

test('requests stick to an endpoint by their header', async () => {
  const users = Array.from({ length: 30 }, (_, i) => `user-${i}`);
  for (let round = 0; round < 3; round++) for (const user of users) expect(await get('/sticky', { 'x-user': user })).toBe(200);
  const owners = users.map((user) => backends.filter((backend) => backend.users.has(user)).length);
  expect(owners).toEqual(users.map(() => 1));
  expect(backends.every((backend) => backend.users.size > 0)).toBe(true);
});

describe('an endpoint that answers 500', () => {
  test('is out after a few requests, and comes back when it is well', async () => {
    const [bad] = backends as [MoodyBackend];
    while (bad.requests === 0) expect(await get('/')).toBe(200);
    bad.mood = 'failing';
    for (let few = 0; few < 10; few++) await get('/');
    for (let calm = 0; calm < 20;) {
      const seen = bad.requests;
      expect(await get('/')).toBe(200);
      calm = bad.requests === seen ? calm + 1 : 0;
    }
    bad.mood = 'well';
    for (const seen = bad.requests; bad.requests === seen;) expect(await get('/')).toBe(200);
  });
});

describe('a backend whose endpoints all hang', () => {
  test('gets as many requests as its limits allow; the others are refused at once', async () => {
    const [connections, limit, sent] = [64, 96, 200];
    for (const backend of backends) backend.mood = 'hanging';
    const early: number[] = [];
    const answers = Array.from({ length: sent }, async () => {
      const status = await get('/');
      early.push(status);
      return status;
    });
    await until(() => early.length >= sent - limit, 'answers to the requests beyond the limits');
    await until(() => backends.reduce((sum, { held }) => sum + held, 0) === connections, 'requests on all connections');
    expect(early).toEqual(Array.from({ length: sent - limit }, () => 503));
    for (const backend of backends) backend.mood = 'well';
    const statuses = await Promise.all(answers);
    expect(statuses.filter((status) => status === 200).length).toBe(limit);
  });
});
