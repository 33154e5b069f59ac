// Every type of channel sends to a real server: SMTP with STARTTLS, with TLS and without, Alertmanager, and HTTP servers that take what
// Slack and PagerDuty document. Servers that are slow, dead or hostile end in a reason, within the time and without memory.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { NotificationChannel } from '#api/k8s/notification-channel.ts';
import { validateObject } from '#api/k8s/validate.ts';
import type { Result } from '#lib/result.ts';
import { channelOf, type Channel } from '../../controller/alert/channels/index.ts';
import type { Reach } from '../../controller/alert/channels/post.ts';
import { notificationOf, type NotifiedAlert } from '../../controller/alert/notification.ts';
import { TestCa, type IssuedFiles } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { Alertmanager, ALERTMANAGER } from './alertmanager.ts';

/** The time of a notification to a bad server, milliseconds: only bounds depend on it. */
const SHORT_MS = 300;

let stop: AbortController;
let reach: Reach;
beforeEach(() => {
  stop = new AbortController();
  reach = { guard: () => null, signal: stop.signal, timeoutMs: 10_000 };
});

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

function channel(spec: object, secrets: Readonly<Record<string, string>> = {}): Channel {
  const object = { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'NotificationChannel', metadata: { name: 'c', namespace: 'n' }, spec };
  const valid = validateObject(object, { strict: true });
  if (!valid.ok) throw new Error(JSON.stringify(valid.error));
  return channelOf({ kind: 'NotificationChannel', namespace: 'n', name: 'c', spec: (valid.value as NotificationChannel).spec, secrets });
}

const secret = (key: string) => ({ secretRef: { name: 's' }, key });

function alert(fields: Partial<NotifiedAlert> = {}): NotifiedAlert {
  const labels = { alertname: 'errors', severity: 'critical', namespace: 'n', route: 'HTTPRoute/n/r/0' };
  const texts = { summary: 'It <fails> & more.', description: 'Do something.', runbook: 'https://docs.example/errors' };
  return { status: 'firing', labels, ...texts, value: 0.25, fingerprint: 'f1', startsAt: Date.now() - 60_000, endsAt: 0, ...fields };
}

function notification(...alerts: readonly NotifiedAlert[]) {
  return notificationOf({ channel: 'n/c', group: '{"alertname":"errors"}', groupLabels: { alertname: 'errors' }, alerts, before: 0 });
}

function portOf(server: net.Server): number {
  return (server.address() as AddressInfo).port;
}

async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    if (server instanceof http.Server) server.closeAllConnections();
    server.close();
  });
  return portOf(server);
}

interface Taken {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A server that keeps what it gets. */
async function taking(taken: Taken[], answer: (response: http.ServerResponse) => void = (response) => response.end('ok')): Promise<string> {
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      taken.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) as Taken['body'] });
      answer(response);
    });
  });
  return `http://127.0.0.1:${await listening(server)}`;
}

describe('a webhook', () => {
  test('gets the form of Alertmanager, with the token and an id', async () => {
    const taken: Taken[] = [];
    const url = `${await taking(taken)}/hook?a=b`;
    const hook = channel({ webhook: { url, tokenFrom: secret('token') } }, { 'webhook.tokenFrom': 'secret token' });
    const ended = alert({ status: 'resolved', fingerprint: 'f2', endsAt: Date.now(), labels: { alertname: 'errors', severity: 'info' } });
    expect(await hook.send(notification(ended, alert()), reach)).toEqual({ ok: true, value: null });
    expect(taken[0]).toMatchObject({
      path: '/hook?a=b',
      headers: {
        authorization: 'Bearer secret token',
        'content-type': 'application/json',
        'idempotency-key': expect.stringMatching(/^"[0-9a-f]{32}"$/),
      },
      body: {
        ...{ version: '4', status: 'firing', receiver: 'n/c', groupLabels: { alertname: 'errors' }, commonLabels: { alertname: 'errors' } },
        alerts: [
          { status: 'firing', annotations: { summary: 'It <fails> & more.', value: '0.25', runbook_url: 'https://docs.example/errors' } },
          { status: 'resolved' },
        ],
      },
    });
  });
});

describe('Slack', () => {
  test('gets a message whose text is no markup', async () => {
    const taken: Taken[] = [];
    const url = await taking(taken);
    const chat = channel({ slack: { urlFrom: secret('url'), channel: '#ops' } }, { 'slack.urlFrom': url });
    expect(await chat.send(notification(alert({ summary: '<!channel> <https://evil.example|click>' })), reach)).toMatchObject({ ok: true });
    expect(taken[0]?.body).toMatchObject({
      channel: '#ops',
      text: '[FIRING:1] errors: &lt;!channel&gt; &lt;https://evil.example|click&gt;',
      attachments: [{ color: '#c9190b' }],
    });
  });
});

describe('PagerDuty', () => {
  test('gets one incident for a group, and its end', async () => {
    const taken: Taken[] = [];
    const url = await taking(taken, (response) => response.writeHead(202).end('{"status":"success"}'));
    const pager = channel({ pagerDuty: { url, routingKeyFrom: secret('key') } }, { 'pagerDuty.routingKeyFrom': 'key' });
    await pager.send(notification(alert(), alert({ fingerprint: 'f2' })), reach);
    await pager.send(notification(alert({ status: 'resolved', endsAt: Date.now() })), reach);
    const [trigger, resolve] = taken.map(({ body }) => body);
    expect(trigger).toMatchObject({ routing_key: 'key', event_action: 'trigger', payload: { severity: 'critical', source: 'weir' } });
    expect(resolve).toEqual({ routing_key: 'key', event_action: 'resolve', dedup_key: trigger?.['dedup_key'] });
  });
});

describe('a mail', () => {
  let ca: TestCa;
  let files: IssuedFiles;
  beforeAll(async () => {
    ca = await TestCa.create();
    files = await ca.issue('mail', 'IP:127.0.0.1');
  });

  interface Mail {
    readonly from: string;
    readonly to: readonly string[];
    readonly user: unknown;
    readonly isSecure: boolean;
    readonly text: string;
  }

  async function smtp(mails: Mail[], options: SMTPServerOptions = {}): Promise<string> {
    const server = new SMTPServer({
      ...{ key: readFileSync(files.privateKey), cert: readFileSync(files.certificate), authOptional: true, disabledCommands: [] },
      onAuth: ({ username, password }, _session, done) =>
        username === 'weir' && password === 'right' ? done(null, { user: username }) : done(new Error('wrong password')),
      onData(stream, { envelope, user, secure }, done) {
        const parts: Buffer[] = [];
        stream.on('data', (part: Buffer) => parts.push(part));
        stream.on('end', () => {
          const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
          mails.push({
            from,
            to: envelope.rcptTo.map(({ address }) => address),
            user,
            isSecure: secure,
            text: Buffer.concat(parts).toString(),
          });
          done();
        });
      },
      ...options,
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    closers.push(() => server.close(() => undefined));
    return `127.0.0.1:${portOf(server.server)}`;
  }

  const send = (server: string, settings: object, password = 'right', trusted = true): Promise<Result<null>> => {
    const from = { from: 'weir@example.com', to: ['ops@example.com', 'night@example.com'] };
    const mail = channel(
      { email: { server, ...from, ...settings }, ...(trusted ? { caCertificateRef: { name: 'ca' } } : {}) },
      { 'email.passwordFrom': password, ...(trusted ? { caCertificateRef: readFileSync(files.ca, 'utf8') } : {}) },
    );
    return mail.send(notification(alert({ summary: 'It fails.\r\nBcc: evil@example.com' })), reach);
  };
  const LOGIN = { username: 'weir', passwordFrom: secret('password') };

  test.each([
    ['StartTLS', {}, true],
    ['TLS', { secure: true }, true],
    ['None', { hideSTARTTLS: true }, false],
  ])('goes out with %s', async (tls, options, isSecure) => {
    const mails: Mail[] = [];
    const server = await smtp(mails, options);
    expect(await send(server, { tls, ...(isSecure ? LOGIN : {}) })).toEqual({ ok: true, value: null });
    expect(mails).toMatchObject([{ from: 'weir@example.com', to: ['ops@example.com', 'night@example.com'], isSecure }]);
    if (isSecure) expect(mails[0]?.user).toBe('weir');
    const [head = '', body = ''] = mails[0]?.text.split(/\r\n\r\n(.*)/s) ?? [];
    expect(head).toMatch(/^Subject: \[FIRING:1\] errors: It fails\. Bcc: evil@example\.com/m);
    expect(head).not.toMatch(/^Bcc/im);
    expect(head).toMatch(/^Message-ID: <[0-9a-f]{32}@example\.com>/im);
    expect(body).toContain('FIRING critical errors');
  });

  test.each<readonly [string, SMTPServerOptions, string, boolean, RegExp]>([
    ['without STARTTLS', { disabledCommands: ['STARTTLS'] }, 'right', true, /STARTTLS|command/i],
    ['with a wrong password', {}, 'wrong', true, /535/],
    ['whose certificate is not trusted', {}, 'right', false, /certificate/],
  ])('does not go to a server %s', async (_what, options, password, trusted, reason) => {
    const mails: Mail[] = [];
    const server = await smtp(mails, options);
    const sent = await send(server, LOGIN, password, trusted);
    expect(sent).toEqual({ ok: false, error: expect.stringMatching(reason) });
    expect(mails).toEqual([]);
  });

  test.each<readonly [string, (socket: net.Socket) => void, RegExp]>([
    ['says nothing', () => undefined, /in time|timeout/i],
    ['says one line without an end', (socket) => flood(socket, 'x'.repeat(64 * 1_024)), /size|bytes/],
    ['says lines without an end', (socket) => flood(socket, '220-more\r\n'.repeat(8_192)), /size|bytes/],
    ['hangs up', (socket) => void socket.end(), /./],
  ])('to a server that %s ends with the reason', async (_what, act, reason) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      act(socket);
    });
    const address = `127.0.0.1:${await listening(server)}`;
    reach = { ...reach, timeoutMs: 2_000 };
    expect(await send(address, { tls: 'None' })).toEqual({ ok: false, error: expect.stringMatching(reason) });
  });
});

/** Writes the same bytes again and again. */
function flood(socket: net.Socket, bytes: string): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', write);
  write();
}

describe('a server that is', () => {
  const hook = (url: string) => channel({ webhook: { url } });
  const send = (url: string) => hook(url).send(notification(alert()), { ...reach, timeoutMs: SHORT_MS });

  test('dead ends with the reason', async () => {
    expect(await send('http://127.0.0.1:1/')).toEqual({ ok: false, error: expect.stringContaining('ECONNREFUSED') });
  });

  test('silent ends in time', async () => {
    const url = await taking([], () => undefined);
    expect(await send(url)).toEqual({ ok: false, error: 'the server did not answer in time' });
  });

  test('slow with each byte ends in time', async () => {
    const url = await taking([], (response) => {
      response.writeHead(200);
      void (async () => {
        while (!response.destroyed) {
          response.write('x');
          await delay(10);
        }
      })();
    });
    expect(await send(url)).toEqual({ ok: false, error: 'the server did not answer in time' });
  });

  test('talkative is cut off', async () => {
    let written = 0;
    const url = await taking([], (response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(64 * 1_024))) written += 64 * 1_024;
      };
      response.on('drain', more);
      more();
    });
    expect(await hook(url).send(notification(alert()), reach)).toEqual({ ok: true, value: null });
    expect(written).toBeLessThan(64 * 1_048_576);
  });

  test('redirecting is not followed', async () => {
    const taken: Taken[] = [];
    const other = await taking(taken);
    const url = await taking([], (response) => response.writeHead(307, { location: other }).end());
    expect(await send(url)).toEqual({ ok: false, error: expect.stringContaining('answered 307, a redirect') });
    expect(taken).toEqual([]);
  });

  test('refusing is quoted in one line', async () => {
    const url = await taking([], (response) => response.writeHead(400).end('no\r\n\u0007thanks'));
    expect(await send(url)).toEqual({ ok: false, error: 'the server answered 400: no thanks' });
  });

  test('at a refused address gets nothing', async () => {
    const taken: Taken[] = [];
    const url = await taking(taken);
    reach = { ...reach, guard: (address) => (address === '127.0.0.1' ? 'is a loopback address' : null) };
    expect(await send(url)).toEqual({ ok: false, error: 'the server is a loopback address' });
    expect(await send(url.replace('127.0.0.1', 'localhost'))).toMatchObject({ ok: false });
    expect(taken).toEqual([]);
  });
});

describeWith(['go'], 'Alertmanager', () => {
  let manager: Alertmanager;
  beforeAll(async () => {
    buildGoTool(ALERTMANAGER);
    manager = await Alertmanager.start();
    while ((await manager.alerts()) === null) await delay(20);
  }, 600_000);
  afterAll(() => manager.stop());

  test('takes alerts, knows them when they come again, and ends them', async () => {
    const to = channel({ alertmanager: { urls: ['http://127.0.0.1:1', `${manager.url}/`] } });
    expect(await to.send(notification(alert(), alert({ fingerprint: 'f2', labels: { alertname: 'other' } })), reach)).toEqual({
      ok: true,
      value: null,
    });
    await to.send(notification(alert()), reach);
    const shown = (await manager.alerts()) ?? [];
    expect(shown.map(({ labels, status }) => `${labels['alertname']} ${status.state}`).toSorted()).toEqual([
      'errors active',
      'other active',
    ]);
    expect(shown.find(({ labels }) => labels['alertname'] === 'errors')?.annotations).toEqual({
      ...{ summary: 'It <fails> & more.', description: 'Do something.', runbook_url: 'https://docs.example/errors', value: '0.25' },
    });
    await to.send(notification(alert({ status: 'resolved', endsAt: Date.now() - 1_000 })), reach);
    expect((await manager.alerts())?.map(({ labels }) => labels['alertname'])).toEqual(['other']);
  });

  test('that refuses is a failure with its words', async () => {
    const to = channel({ alertmanager: { urls: [manager.url] } });
    const refused = await to.send(notification(alert({ labels: {} })), reach);
    expect(refused).toEqual({ ok: false, error: expect.stringContaining('the server answered 400') });
  });
});
