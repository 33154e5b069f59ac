// Secrets in every place of a request are in nothing that a whole proxy tells: spans and log records for a collector, its own log, the samples
// of `weir errors`, the dump of the configuration, the last good file.
import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ErrorAnswer } from '../../controller/operations/errors.ts';
import { Compiler } from '../../controller/compile/compile.ts';
import { LastGood } from '../../proxy/subscribe/last-good.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { inDefault, manifest } from '../security/rig.ts';
import { FaultyCollector } from '../support/collector-faults.ts';
import { closeAfterAll, closeLater, openClient, openUpstream } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { CONTROLLER_NAME, gateway, gatewayClass } from '../support/objects.ts';
import type { Manifest } from '../support/objects.ts';
import { OperatedWeir } from '../support/operated-weir.ts';
import { LOG, PushWorld } from '../support/push.ts';
import { ok } from '../support/raw-upstream.ts';
import { REDACTION, SECRET_BODY, secretRequest, SECRETS } from './secrets.ts';

closeAfterAll();

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-redaction-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ANSWER_HEADERS =
  'content-type: application/json\r\nset-cookie: session=SECRET-11\r\nlocation: https://a.example/?token=SECRET-13\r\n';

const MORE_FIELDS = ['query', 'requestHeaders', 'responseHeaders', 'requestBody', 'responseBody'].map((field) => `+${field}`);

/** A route to a backend on this port, one to a port where nothing listens, and the policy. */
async function objects(port: number): Promise<readonly Manifest[]> {
  const [nothing = 0] = await freePorts(1);
  const to = (name: string) => [{ group: 'gateway.weir.dev', kind: 'Backend', name }];
  const rule = (value: string, name: string) => ({ matches: [{ path: { value } }], backendRefs: to(name) });
  const attributes = ['note', 'employee'].map((name) => ({ name: `app.${name}`, header: `x-${name}` }));
  return [
    manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port }] }),
    manifest('Backend', 'dead', { endpoints: [{ ip: '127.0.0.1', port: nothing }] }),
    manifest('HTTPRoute', 'app', { parentRefs: [{ name: 'gw' }], rules: [rule('/pay', 'app'), rule('/dead', 'dead')] }),
    manifest('TelemetryPolicy', 'all', {
      targetRefs: [{ kind: 'HTTPRoute', name: 'app' }],
      redaction: REDACTION,
      accessLog: { enabled: true, fields: MORE_FIELDS, requestBody: {}, responseBody: {} },
      tracing: { sampling: { percent: 100 }, attributes },
    }),
  ];
}

function hasNoSecret(text: string): void {
  for (const secret of SECRETS) expect([secret, text.includes(secret)]).toEqual([secret, false]);
}

/** Sends requests, each on its own connection, and waits for the answers. */
async function send(port: number, ...segments: readonly string[]): Promise<void> {
  for (const segment of segments) await (await openClient(port)).ask(secretRequest(segment));
}

/** What a collector gets for a path, until it has all of these texts. */
async function collected(collector: FaultyCollector, texts: readonly string[]): Promise<string> {
  let all = '';
  while (!texts.every((text) => all.includes(text))) {
    const { path: to, body } = await collector.next();
    all += `${to} ${body.toString('latin1')}\n`;
  }
  return all;
}

/** Groups of failures, each with its samples. */
async function failures(up: OperatedWeir): Promise<string> {
  for (;;) {
    const { groups } = (await up.operate('GET', '/errors')).body as ErrorAnswer;
    if (groups.some(({ route }) => route.endsWith('/app/1'))) {
      const each = groups.map(({ id }) => up.operate('GET', `/errors?id=${id}`));
      return JSON.stringify((await Promise.all(each)).map(({ body }) => body));
    }
  }
}

test('no secret is in traces, error samples, the dump of the configuration, or the log of the program', async () => {
  const upstream = await openUpstream(ok(SECRET_BODY, ANSWER_HEADERS));
  const collector = await FaultyCollector.start();
  closeLater(() => collector.stop());
  const flags = ['--otlp-endpoint', collector.url, '--access-log', 'stdout', '--access-log-otlp=on', '--log-level', 'trace'];
  const up = await OperatedWeir.start(await objects(upstream.port), ...flags, '--workers', '1');
  closeLater(() => up.stop());
  expect(up.output).not.toContain('"level":"error"');
  await send(up.port, 'pay', 'dead');
  const [paid, failed] = ['/pay/[redacted]/[redacted]/[redacted]', '/dead/[redacted]/[redacted]/[redacted]'];
  const told = await collected(collector, ['/v1/traces', '/v1/logs', `http://a${paid}`, `http://a${failed}`, 'app.employee']);
  const samples = await failures(up);
  const config = JSON.stringify((await up.operate('GET', '/config')).body);
  await up.printed(/"path":"\/dead/);
  for (const text of [told, samples, config, up.output]) hasNoSecret(text);
  // The rest is there, and the spans name the configuration.
  expect(told).toMatch(/weir\.config\.revision[^]{1,8}[0-9a-f]{16}/);
  expect(samples).toContain(failed);
  expect(samples).toContain('x-employee');
  expect(config).toContain('default/app');
  expect(up.output).toContain(String.raw`\"kept\":\"visible\"`);
});

test('no secret of requests is in the last good file', async () => {
  const upstream = await openUpstream(ok(SECRET_BODY, ANSWER_HEADERS));
  const world = new PushWorld();
  const compiler = new Compiler({ controllerName: CONTROLLER_NAME, allowLoopback: true });
  const [port = 0] = await freePorts(1);
  const all = [gatewayClass(), gateway('gw', [{ name: 'http', port }]), ...(await objects(upstream.port))];
  world.cache.apply(compiler.apply(all.map((object) => ({ type: 'upsert', object: inDefault(object) as never }))));
  const file = path.join(folder, 'last-good');
  const options = {
    workers: 1,
    limits: DEFAULT_LIMITS,
    accessLog: path.join(folder, 'access.log'),
    drainTimeout: 1,
    log: LOG,
    processMetrics: false,
  };
  const supervisor = new Supervisor({ ...options, bindAddress: '127.0.0.1' });
  closeLater(() => supervisor.stop(1));
  const { port: controller } = await world.serve();
  const { subscription } = world.subscribe(controller, { target: supervisor, lastGood: new LastGood({ file, log: LOG }) });
  expect(await subscription.ready).toBe('controller');
  await send(port, 'pay', 'dead');
  await world.close();
  const text = readFileSync(file, 'latin1');
  hasNoSecret(text);
  expect(text).toContain('HTTPRoute/default/app/0');
});
