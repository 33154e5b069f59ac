// The probe and admin servers over real sockets: probes, users, and web pages without access.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import { componentLog } from '#lib/component-log.ts';
import { createLog } from '#lib/log.ts';
import type { Log } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';
import { cluster, listener, route } from '../../test/support/proxy.ts';
import { createAdminServer } from './admin.ts';
import { createProbeServer } from './probe.ts';
import { Readiness } from './readiness.ts';
import type { AdminServer } from '#lib/admin-server.ts';

let open: AdminServer[] = [];
afterEach(async () => {
  for (const server of open) await server.stop();
  open = [];
});

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** fetch sets Host itself; this function accepts any. */
function ask(port: number, method: string, path: string, headers: http.OutgoingHttpHeaders = {}, body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    request.on('error', reject).end(body);
  });
}

describe('probes', () => {
  let port = 0;
  let serving = 1;
  let scrapes = 0;
  let readiness: Readiness;
  beforeEach(async () => {
    serving = 1;
    scrapes = 0;
    readiness = new Readiness({ serving: () => serving, bindings: () => ({ bound: 1, unbound: [] }), bindTimeout: 1 });
    const metrics = async (): Promise<string> => {
      scrapes++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return 'metric 1\n';
    };
    const server = createProbeServer(0, readiness, metrics);
    open.push(server);
    port = await server.start();
  });

  test('alive from the start; ready once configured, until the drain or without workers', async () => {
    expect(await ask(port, 'GET', '/livez')).toEqual({ status: 200, body: 'ok\n' });
    expect(await ask(port, 'GET', '/readyz')).toEqual({ status: 503, body: 'no complete configuration yet\n' });
    readiness.configured();
    expect(await ask(port, 'GET', '/readyz')).toEqual({ status: 200, body: 'ok\n' });
    serving = 0;
    expect(await ask(port, 'GET', '/readyz')).toEqual({ status: 503, body: 'no worker serves\n' });
    serving = 1;
    readiness.drain();
    expect(await ask(port, 'GET', '/readyz')).toEqual({ status: 503, body: 'draining\n' });
    expect(await ask(port, 'GET', '/livez')).toEqual({ status: 200, body: 'ok\n' });
  });

  test('reveal nothing else and accept no commands', async () => {
    expect((await ask(port, 'GET', '/config')).status).toBe(404);
    expect((await ask(port, 'POST', '/drain')).status).toBe(404);
    expect((await ask(port, 'POST', '/livez')).status).toBe(405);
    expect((await ask(port, 'GET', '/__proto__')).status).toBe(404);
  });

  test('concurrent scrapes share one reading', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(port, 'GET', '/metrics')));
    expect(replies.every(({ status, body }) => status === 200 && body === 'metric 1\n')).toBe(true);
    expect(scrapes).toBeLessThan(20);
    await ask(port, 'GET', '/metrics?again');
    expect(scrapes).toBeGreaterThan(1);
  });
});

describe('admin', () => {
  let port = 0;
  let drained = 0;
  let log: Log;
  beforeEach(async () => {
    drained = 0;
    log = createLog('error');
    const secret = { kind: 'Secret', key: 'default/tls', certificate: 'CERTIFICATE', privateKey: 'PRIVATE' } as const;
    const secrets = [{ key: secret.key, problem: null, expires: null }];
    const resources = [secret, ...cluster('app', [1]), listener(), route()];
    const server = createAdminServer(0, {
      resources: () => resources,
      secrets: () => secrets,
      version: () => 7,
      drain: () => drained++,
      chainCosts: (query) => Promise.resolve(query === 'route=x' ? ok([{ name: 'cors' }]) : err('route: there is none')),
      log,
    });
    open.push(server);
    port = await server.start();
  });

  test('measures the chain of a rule, or says what is wrong', async () => {
    expect(await ask(port, 'POST', '/chain-costs?route=x')).toEqual({ status: 200, body: '[{"name":"cors"}]\n' });
    expect(await ask(port, 'POST', '/chain-costs')).toEqual({ status: 400, body: 'route: there is none\n' });
  });

  test('dumps the served resources without secrets', async () => {
    const { status, body } = await ask(port, 'GET', '/config');
    expect(status).toBe(200);
    expect(body).not.toMatch(/PRIVATE|CERTIFICATE/);
    expect(JSON.parse(body)).toEqual({
      version: 7,
      listeners: [listener()],
      routes: [route()],
      streamRoutes: [],
      policies: [],
      secrets: [{ key: 'default/tls', problem: null, expires: null }],
      clusters: [
        {
          kind: 'Cluster',
          key: 'Service/default/app/80',
          protocol: 'http1',
          endpoints: [{ address: '127.0.0.1', port: 1, draining: false }],
        },
      ],
    });
  });

  test('changes the log level', async () => {
    expect(await ask(port, 'GET', '/log-level')).toEqual({ status: 200, body: 'error\n' });
    expect((await ask(port, 'PUT', '/log-level', {}, 'debug\n')).status).toBe(200);
    expect(log.level).toBe('debug');
    expect((await ask(port, 'PUT', '/log-level', {}, 'loud')).status).toBe(400);
    expect((await ask(port, 'PUT', '/log-level', {}, 'x'.repeat(5_000))).status).toBe(413);
    expect(log.level).toBe('debug');
  });

  test('changes the log level of a component', async () => {
    const health = componentLog(log, 'health');
    expect((await ask(port, 'PUT', '/log-level?component=health', {}, 'trace')).status).toBe(200);
    expect([log.level === 'trace', health.level]).toEqual([false, 'trace']);
    expect(await ask(port, 'GET', '/log-level?component=health')).toEqual({ status: 200, body: 'trace\n' });
    expect((await ask(port, 'GET', '/log-level?component=heart')).status).toBe(404);
    expect((await ask(port, 'PUT', '/log-level?component=heart', {}, 'info')).status).toBe(400);
  });

  test('drains on POST only', async () => {
    expect((await ask(port, 'GET', '/drain')).status).toBe(405);
    expect(drained).toBe(0);
    expect((await ask(port, 'POST', '/drain')).status).toBe(202);
    expect(drained).toBe(1);
  });

  test.each([
    ['a page whose name was rebound to loopback', { host: 'attacker.example:15020' }],
    ['a name that only begins like loopback', { host: 'localhost.attacker.example' }],
    ['a page of another site', { origin: 'https://attacker.example' }],
    ['a page that hides its origin', { origin: 'null' }],
    ['a form of another site', { 'sec-fetch-site': 'cross-site' }],
  ])('refuses %s', async (_, headers) => {
    expect((await ask(port, 'POST', '/drain', headers)).status).toBe(403);
    expect((await ask(port, 'GET', '/config', headers)).status).toBe(403);
    expect(drained).toBe(0);
  });

  test.each(['localhost', 'LOCALHOST:15020', '127.0.0.1:1', '[::1]:15020'])('answers as %s', async (host) => {
    expect((await ask(port, 'GET', '/log-level', { host })).status).toBe(200);
  });
});
