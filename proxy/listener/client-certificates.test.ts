// Client certificates with real peers: accepted and refused clients, and the sessions and connections after a change of the trusted
// authorities. Refusals come first.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type net from 'node:net';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { TestCa, secretOf } from '../../test/support/certificates.ts';
import type { IssuedFiles } from '../../test/support/certificates.ts';
import { closeAfterEach, closeLater } from '../../test/support/fixture.ts';
import { httpsListener, openListenerSockets } from '../../test/support/listener-sockets.ts';
import { until } from '../../test/support/until.ts';
import type { DownstreamConnection } from '../exchange/exchange.ts';
import type { ConnectionCodec } from './connection.ts';
import type { ListenerSockets } from './listener-sockets.ts';

/** Answers with the client certificate of the connection. */
class Introduce implements ConnectionCodec {
  readonly idle = true;
  readonly #socket: net.Socket;
  readonly #connection: DownstreamConnection;

  constructor(socket: net.Socket, connection: DownstreamConnection) {
    this.#socket = socket;
    this.#connection = connection;
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
  }

  data(): void {
    this.#socket.write(JSON.stringify(this.#connection.tls?.clientCertificate ?? null));
  }

  retire(): void {
    this.#socket.write('last');
  }

  drain(): void {
    this.#socket.end('bye');
  }
}

type Pem = Pick<tls.ConnectionOptions, 'cert' | 'key'>;

let [ca, stranger]: TestCa[] = [];
let server: ir.Secret;
let [alice, expired, early, wrongUse, foreign, selfSigned]: Pem[] = [];
let bundles = new Map<string, ir.TrustBundle>();

function bundle(name: string, ...authorities: TestCa[]): ir.TrustBundle {
  const certificates = authorities.map(({ certificate }) => readFileSync(certificate, 'utf8')).join('');
  return { kind: 'TrustBundle', key: `ConfigMap/default/${name}`, certificates };
}

function pem({ certificate, privateKey }: IssuedFiles): Pem {
  return { cert: readFileSync(certificate), key: readFileSync(privateKey) };
}

beforeAll(async () => {
  [ca, stranger] = [await TestCa.create(), await TestCa.create()];
  const issued = await ca.issue('server', 'DNS:a.test,DNS:b.test');
  server = secretOf('cert', issued);
  alice = pem(await ca.issueAs('alice', { names: 'URI:spiffe://test/alice', extensions: ['extendedKeyUsage=clientAuth'] }));
  expired = pem(await ca.issueAs('expired', { hours: [-48, -1] }));
  early = pem(await ca.issueAs('early', { hours: [1, 48] }));
  wrongUse = pem(await ca.issueAs('server', { extensions: ['extendedKeyUsage=serverAuth'] }));
  foreign = pem(await stranger.issue('alice', 'URI:spiffe://test/alice'));
  selfSigned = pem({ ...issued, certificate: stranger.certificate, privateKey: `${stranger.folder}/ca.key` });
});
afterAll(async () => {
  await ca?.remove();
  await stranger?.remove();
});
beforeEach(() => {
  bundles = new Map([bundle('clients', ca!), bundle('strangers', stranger!)].map((each) => [each.key, each]));
});

closeAfterEach();

function https(mode: ir.ClientValidation['mode'] | null, fields: Partial<ir.Listener> = {}, names = ['clients']): ir.Listener {
  const validation = mode === null ? {} : { clientValidation: { mode, authorities: names.map((name) => `ConfigMap/default/${name}`) } };
  return httpsListener(['cert'], { tls: { mode: 'Terminate', certificates: ['cert'], ...validation }, ...fields });
}

class Rig {
  readonly sockets: ListenerSockets;

  constructor() {
    const connect = (socket: net.Socket, connection: DownstreamConnection) => new Introduce(socket, connection);
    this.sockets = openListenerSockets({ connect }).sockets;
  }

  update(...listeners: ir.Listener[]): Promise<readonly unknown[]> {
    return this.sockets.update(listeners, new Map([[server.key, server]]), bundles);
  }

  async connect(options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const port = this.sockets.boundPort(443) ?? 0;
    const socket = tls.connect({ host: '127.0.0.1', port, servername: 'a.test', rejectUnauthorized: false, ...options });
    closeLater(() => socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  }

  /** The client certificate as the proxy sees it, or 'refused' without an answer. */
  async introduce(options: tls.ConnectionOptions = {}): Promise<unknown> {
    const socket = await this.connect(options).catch(() => null);
    return socket === null ? 'refused' : ask(socket);
  }
}

async function ask(socket: tls.TLSSocket): Promise<unknown> {
  socket.write('who am I?');
  const { promise, resolve } = Promise.withResolvers<unknown>();
  socket.once('data', (chunk: Buffer) => resolve(JSON.parse(String(chunk))));
  socket.once('close', () => resolve('refused'));
  return promise;
}

async function sessionOf(socket: tls.TLSSocket): Promise<Buffer> {
  if (socket.getProtocol() === 'TLSv1.2') return socket.getSession() as Buffer;
  const session = once(socket, 'session') as Promise<[Buffer]>;
  await ask(socket);
  return (await session)[0];
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

describe('AllowValidOnly', () => {
  describe.each(versions)('over %s', (version) => {
    const at = { minVersion: version, maxVersion: version };

    test.each([
      ['none', () => ({})],
      ['one of another authority', () => foreign],
      ['one that signed itself', () => selfSigned],
      ['one that has expired', () => expired],
      ['one that is not valid yet', () => early],
      ['one that is for servers', () => wrongUse],
    ])('refuses a client with %s', async (_, certificate) => {
      const rig = new Rig();
      expect(await rig.update(https('AllowValidOnly'))).toEqual([]);
      expect(await rig.introduce({ ...certificate(), ...at })).toBe('refused');
      expect(rig.sockets.handshakes.failures).toEqual(new Map([['client_certificate', 1]]));
    });

    test('accepts a client with a valid certificate, and reports its subject', async () => {
      const rig = new Rig();
      await rig.update(https('AllowValidOnly'));
      expect(await rig.introduce({ ...alice, ...at })).toMatchObject({
        subject: 'CN=alice',
        subjectAltName: 'URI:spiffe://test/alice',
        issuer: 'CN=test ca',
        serialNumber: expect.stringMatching(/^[0-9A-F]+$/),
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        verified: true,
        problem: '',
        names: {
          ...{ subject: 'CN=alice', dnsNames: [], uris: ['spiffe://test/alice'] },
          fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        validTo: expect.any(Number),
      });
    });

    test('has the client certificate of a resumed session', async () => {
      const rig = new Rig();
      await rig.update(https('AllowValidOnly'));
      const session = await sessionOf(await rig.connect({ ...alice, ...at }));
      const resumed = await rig.connect({ session, ...at });
      expect(resumed.isSessionReused()).toBe(true);
      expect(await ask(resumed)).toMatchObject({ subject: 'CN=alice', verified: true });
    });

    test('does not resume a session that started without a required certificate', async () => {
      const rig = new Rig();
      for (const before of [https('AllowInsecureFallback'), https(null)]) {
        await rig.update(before);
        const session = await sessionOf(await rig.connect(at));
        await rig.update(https('AllowValidOnly'));
        expect(await rig.introduce({ session, ...at })).toBe('refused');
      }
    });

    test('does not resume a session whose authority is no longer trusted', async () => {
      const rig = new Rig();
      await rig.update(https('AllowValidOnly'));
      const session = await sessionOf(await rig.connect({ ...alice, ...at }));
      bundles.set('ConfigMap/default/clients', bundle('clients', stranger!));
      await rig.update(https('AllowValidOnly'));
      expect(await rig.introduce({ ...alice, session, ...at })).toBe('refused');
      expect(await rig.introduce({ ...foreign, session, ...at })).toMatchObject({ subject: 'CN=alice', verified: true });
    });
  });

  test('trusts each of several authorities', async () => {
    const rig = new Rig();
    await rig.update(https('AllowValidOnly', {}, ['clients', 'strangers']));
    expect(await rig.introduce(alice)).toMatchObject({ verified: true });
    expect(await rig.introduce(foreign)).toMatchObject({ verified: true });
  });

  test('refuses every client if no bundle is usable, and reports the reason', async () => {
    const rig = new Rig();
    bundles.set('ConfigMap/default/strangers', { ...bundle('strangers'), certificates: 'nonsense' });
    const problems = await rig.update(https('AllowValidOnly', {}, ['missing', 'strangers']));
    expect(problems).toMatchObject([
      { reason: 'InvalidTrustBundle', message: 'ConfigMap/default/missing: it does not exist' },
      { reason: 'InvalidTrustBundle', message: expect.stringMatching(/^ConfigMap\/default\/strangers: /) },
    ]);
    expect(await rig.introduce(alice)).toBe('refused');
  });

  test('continues with the usable bundles', async () => {
    const rig = new Rig();
    expect(await rig.update(https('AllowValidOnly', {}, ['missing', 'clients']))).toHaveLength(1);
    expect(await rig.introduce(alice)).toMatchObject({ verified: true });
    expect(await rig.introduce(foreign)).toBe('refused');
  });
});

describe('AllowInsecureFallback', () => {
  test('accepts every client, and marks the valid ones', async () => {
    const rig = new Rig();
    await rig.update(https('AllowInsecureFallback'));
    expect(await rig.introduce()).toBe(null);
    expect(await rig.introduce(alice)).toMatchObject({ subject: 'CN=alice', verified: true });
    expect(await rig.introduce(foreign)).toMatchObject({
      subject: 'CN=alice',
      verified: false,
      problem: expect.stringMatching(/^[A-Z_]+$/),
    });
    expect(await rig.introduce(expired)).toMatchObject({ verified: false, problem: 'CERT_HAS_EXPIRED' });
  });

  test.each(versions)('does not trust an unverified client after resumption over %s', async (version) => {
    const at = { minVersion: version, maxVersion: version };
    const rig = new Rig();
    await rig.update(https('AllowInsecureFallback'));
    const session = await sessionOf(await rig.connect({ ...foreign, ...at }));
    expect(await ask(await rig.connect({ session, ...at }))).toMatchObject({ verified: false });
    const anonymous = await sessionOf(await rig.connect(at));
    expect(await ask(await rig.connect({ session: anonymous, ...at }))).toBe(null);
  });
});

describe('a change', () => {
  test('closes connections without a certificate once it is required, and their clients can reconnect', async () => {
    const rig = new Rig();
    await rig.update(https('AllowInsecureFallback'));
    const [anonymous, known] = [await rig.connect(), await rig.connect(alice)];
    await ask(anonymous);
    await ask(known);
    const heard = ['', ''];
    [anonymous, known].forEach((socket, i) => socket.on('data', (chunk: Buffer) => (heard[i] += String(chunk))));
    await rig.update(https('AllowValidOnly'));
    await until(() => heard.join() === 'bye,last', 'told');
  });

  test('without an effect on clients keeps connections', async () => {
    const rig = new Rig();
    await rig.update(https('AllowValidOnly'));
    const socket = await rig.connect(alice);
    bundles.set('ConfigMap/default/clients', bundle('clients', ca!));
    await rig.update(https('AllowValidOnly'), https(null, { key: 'default/gateway/b', hostname: 'b.test' }));
    expect(await ask(socket)).toMatchObject({ verified: true });
  });
});

test('of two listeners of one host name with different validation serves the first and reports the other', async () => {
  const rig = new Rig();
  const second = https(null, { key: 'other/gateway/https', gateway: 'other/gateway' });
  expect(await rig.update(second, https('AllowValidOnly'))).toEqual([
    expect.objectContaining({
      listener: 'other/gateway/https',
      reason: 'ProtocolConflict',
      message: expect.stringContaining('other terms'),
    }),
  ]);
  expect(await rig.introduce()).toBe('refused');
});
