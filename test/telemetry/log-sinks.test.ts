// Lines of the access log at syslog servers and OpenTelemetry collectors.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { DEFAULT_FORMAT } from '#api/access-log/format.ts';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterAll, closeLater } from '../support/fixture.ts';
import { Rsyslog } from '../support/rsyslog.ts';
import { SyslogServer } from '../support/syslog-server.ts';
import { until } from '../support/until.ts';
import { manifest, SecurityRig } from '../security/rig.ts';

closeAfterAll();

const GET = (target: string, ...headers: string[]): string => [`GET ${target} HTTP/1.1`, 'host: a', ...headers, '', ''].join('\r\n');

function rigWith(syslog: { port: number; caFile?: string; host?: string }, accessLog: object = {}): Promise<SecurityRig> {
  const policy = manifest('TelemetryPolicy', 'log', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], accessLog });
  const { port, caFile = '', host = '127.0.0.1' } = syslog;
  const settings = { format: DEFAULT_FORMAT, filter: null, syslog: { host, port, tls: caFile !== '', caFile } };
  return SecurityRig.start([policy], {}, { accessLog: 'off', accessLogSettings: settings });
}

test('lines are messages of RFC 5424, without secrets, whatever a client sends', async () => {
  const server = await SyslogServer.start();
  const rig = await rigWith(server, { fields: ['+query', '+requestHeader.x-vault-token'] });
  await rig.ask(GET('/a%20b?token=abc', 'x-vault-token: hvs', 'user-agent: "\\ 12 <34>1 - - - - - - forged'));
  await until(() => server.messages.length === 1, 'the message');
  expect(server.problem).toBe('');
  const [message] = server.messages;
  expect(message).toMatchObject({ priority: 134, program: 'weir', id: 'access' });
  expect(JSON.parse(message?.text ?? '')).toMatchObject({
    path: '/a%20b',
    query: 'token=[redacted]',
    'requestHeader.x-vault-token': '[redacted]',
  });
});

test('a policy chooses among the destinations', async () => {
  const server = await SyslogServer.start();
  const rig = await rigWith(server, { sinks: ['OTLP'] });
  await rig.ask(GET('/hidden'));
  await rig.change([
    manifest('TelemetryPolicy', 'log', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], accessLog: { sinks: ['Syslog'] } }),
  ]);
  await rig.ask(GET('/shown'));
  await until(() => server.messages.length === 1, 'the message');
  expect(server.messages[0]?.text).toContain('/shown');
});

test('requests wait neither for a server that is away nor for one that reads nothing, and the losses are counted', async () => {
  const server = await SyslogServer.start();
  await server.close();
  const rig = await rigWith(server);
  for (let i = 0; i < 50; i++) expect((await rig.ask(GET('/x'))).startLine).toBe('HTTP/1.1 200 OK');
  const late = await SyslogServer.start({ port: server.port });
  await until(() => late.messages.length === 50, 'the lines that waited');
  expect(rig.proxy.metric('weir_access_log_syslog_drops_total')).toBe(0);
});

describeWith(['rsyslog'], 'rsyslog', () => {
  test('takes the lines by TLS', async () => {
    const ca = await TestCa.create();
    closeLater(() => ca.remove());
    const server = await Rsyslog.start(await ca.issue('logs', 'DNS:localhost'));
    const rig = await rigWith({ port: server.port, caFile: ca.certificate, host: 'localhost' });
    for (let i = 0; i < 60; i++) await rig.ask(GET(`/n/${i}`));
    await until(() => server.lines.length === 60, 'all lines');
    expect(server.lines[0]).toMatch(/^134\|1\|weir\|access\|\{"time":.*\}$/);
    const paths = server.lines.map((line) => (JSON.parse(line.slice(line.indexOf('{'))) as { path: string }).path);
    expect(paths).toEqual(Array.from({ length: 60 }, (_, i) => `/n/${i}`));
  });

  test('that is not the expected server gets no line', async () => {
    const [ca, other] = [await TestCa.create(), await TestCa.create()];
    closeLater(() => Promise.all([ca.remove(), other.remove()]));
    const pair = await other.issue('logs', 'DNS:localhost');
    const server = await SyslogServer.start({
      pair: { key: readFileSync(pair.privateKey, 'utf8'), cert: readFileSync(pair.certificate, 'utf8') },
    });
    const rig = await rigWith({ port: server.port, caFile: ca.certificate, host: 'localhost' });
    await rig.ask(GET('/secret'));
    await rig.proxy.close();
    expect(server.messages).toEqual([]);
  });
});
