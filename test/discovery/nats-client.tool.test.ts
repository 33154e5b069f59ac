// The client of NATS against a real server: identities, TLS, services and buckets, without the rest of Weir.
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { followBucket } from '../../controller/discovery/nats/bucket.ts';
import { NATS_LIMITS } from '../../controller/discovery/nats/connection.ts';
import type { NatsConnection } from '../../controller/discovery/nats/connection.ts';
import { ANONYMOUS, readCredentials } from '../../controller/discovery/nats/credentials.ts';
import { ServicePolls } from '../../controller/discovery/nats/services.ts';
import { withServer } from '../../controller/discovery/nats/session.ts';
import type { NatsAccess } from '../../controller/discovery/nats/session.ts';
import type { Instance } from '../../controller/discovery/instance.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { until } from '../support/until.ts';
import { NATS, NatsPeer, NatsServer } from './nats-server.ts';

/** A key of a user. */
const SEED = 'SUANNXPHJPO7NXXQDOVBS7Y2ZK7KFM5BUB3KMPRUIO7Y7AIAONDAEE4C54';
const PUBLIC_KEY = 'UDGZY7JEXY3ON3H4W7VPAHQAPK5ARZJBXKWVCSLWYKM6DLMYREWQDCWB';

const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});

async function server(...options: Parameters<typeof NatsServer.start>): Promise<NatsServer> {
  const started = await NatsServer.start(...options);
  open.push(started);
  return started;
}

async function peer(of: NatsServer): Promise<NatsPeer> {
  const started = await NatsPeer.start(of);
  open.push(started);
  return started;
}

function access(server: NatsServer, more: Partial<NatsAccess> = {}): NatsAccess {
  const tls = { tls: null, handshakeFirst: false };
  return { servers: [server.url], ...tls, login: ANONYMOUS, guard: () => null, ...more };
}

function loginOf(entries: Readonly<Record<string, string>>) {
  const login = readCredentials(entries);
  if (!login.ok) throw new Error(login.error);
  return login.value;
}

/** Whether a connection opens; otherwise the reason. */
async function outcome(how: NatsAccess): Promise<string> {
  try {
    await withServer(how, new AbortController().signal, () => Promise.resolve());
    return 'open';
  } catch (error) {
    return (error as Error).message.replace(/^\S+ /, '');
  }
}

/** What a question finds until the test ends. */
class Following {
  found: readonly Instance[] = [];
  leftOut: readonly string[] = [];
  reports = 0;
  fault = '';
  readonly #stop = new AbortController();
  readonly #over: Promise<void>;

  constructor(how: NatsAccess, work: (connection: NatsConnection, following: Following, signal: AbortSignal) => Promise<void>) {
    const { signal } = this.#stop;
    this.#over = withServer(how, signal, (connection) => work(connection, this, signal)).catch(
      (error: Error) => void (this.fault = error.message),
    );
    open.push(this);
  }

  readonly report = (found: readonly Instance[], leftOut: readonly string[]): void => {
    this.found = found;
    this.leftOut = leftOut;
    this.reports++;
  };

  get ports(): readonly number[] {
    return this.found.map(({ port }) => port).sort((a, b) => a - b);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }
}

function services(of: NatsServer, name: string, known: readonly Instance[] = [], grace = 0): Following {
  const times = { interval: 40, settle: 20, grace };
  return new Following(access(of), (connection, { report }, signal) =>
    new ServicePolls({ name }, known, report, times).run(connection, signal),
  );
}

function bucket(of: NatsServer, name: string, keys = '>'): Following {
  return new Following(access(of), (connection, { report }, signal) => followBucket(connection, { bucket: name, keys }, report, signal));
}

function offer(by: NatsPeer, port: number, more: Readonly<Record<string, string>> = {}): Promise<void> {
  return by.run({ do: 'offer', id: String(port), name: 'orders', metadata: { address: '10.0.0.1', port: String(port), ...more } });
}

describeWith(['go'], 'a client of NATS', () => {
  let files: IssuedFiles;
  let ca: TestCa;

  beforeAll(async () => {
    buildGoTool(NATS);
    ca = await TestCa.create();
    files = await ca.issue('localhost', 'DNS:localhost,IP:127.0.0.1');
  }, 600_000);
  afterAll(() => ca.remove());

  test('proves its identity with a password, a token or a key', async () => {
    const users = await server({ config: `authorization { users: [{user: weir, password: "p w"}, {nkey: ${PUBLIC_KEY}}] }` });
    expect(await outcome(access(users, { login: loginOf({ username: 'weir', password: 'p w' }) }))).toBe('open');
    expect(await outcome(access(users, { login: loginOf({ nkey: SEED }) }))).toBe('open');
    expect(await outcome(access(users))).toBe('answers: Authorization Violation');
    const tokens = await server({ config: 'authorization { token: "secret" }' });
    expect(await outcome(access(tokens, { login: loginOf({ token: 'secret' }) }))).toBe('open');
    expect(await outcome(access(tokens, { login: loginOf({ token: 'other' }) }))).toBe('answers: Authorization Violation');
  });

  test('uses TLS, checks the server, and shows a certificate', async () => {
    const [certificate, key, authority] = [files.certificate, files.privateKey, files.ca].map((file) => readFileSync(file, 'utf8')) as [
      string,
      string,
      string,
    ];
    const secure = await server({ tls: { certificate, key, ca: authority } });
    const tls = { ca: authority, certificate, key };
    expect(await outcome(access(secure, { tls }))).toBe('open');
    expect(await outcome(access(secure, { tls: { ...tls, serverName: 'localhost' } }))).toBe('open');
    expect(await outcome(access(secure, { tls: { ...tls, serverName: 'other' } }))).toBe('cannot be reached: ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await outcome(access(secure, { tls: { certificate, key } }))).toMatch(/^cannot be reached: [A-Z_]+$/);
    expect(await outcome(access(secure, { tls: { ca: authority } }))).toMatch(/^(answers|cannot be reached|closes)/);
    expect(await outcome(access(await server(), { tls }))).toBe('does not offer TLS');
  });

  test('takes the next server if one is away', async () => {
    const [away, present] = [await server(), await server()];
    await away.kill();
    expect(await outcome(access(present, { servers: [away.url, present.url] }))).toBe('open');
    expect(await outcome(access(away))).toBe('cannot be reached: ECONNREFUSED');
  });

  test('ends the connection to a server that stops to answer', async () => {
    const frozen = await server();
    const limits = { ...NATS_LIMITS, ping: 20 };
    const following = new Following(access(frozen, { limits }), (connection, _, signal) =>
      followBucket(connection, { bucket: 'none', keys: '>' }, () => undefined, signal).catch(async () => {
        frozen.signal('SIGSTOP');
        await new Promise((resolve) => connection.whenClosed(resolve));
      }),
    );
    await following.stop();
  });

  test('finds the instances of a service', async () => {
    const nats = await server();
    const apps = await peer(nats);
    await offer(apps, 8001, { weight: '3', zone: 'eu-1', team: 'red' });
    await offer(apps, 8002);
    const following = services(nats, 'orders');
    await until(() => following.found.length === 2, 'both instances are found');
    const labels = { team: 'red', version: '1.2.3' };
    expect(following.found).toContainEqual({ address: '10.0.0.1', port: 8001, weight: 3, zone: 'eu-1', labels });
    await apps.run({ do: 'withdraw', id: '8002' });
    await until(() => following.found.length === 1, 'the instance that has stopped leaves');
    await offer(apps, 8003);
    await until(() => following.found.length === 2, 'the new instance is found');
    expect(following.ports).toEqual([8001, 8003]);
  });

  test('takes the address in the metadata of an endpoint before that of the service', async () => {
    const nats = await server();
    await (await peer(nats)).run({ do: 'offer', id: 'a', name: 'orders', metadata: { address: '10.0.0.1' }, endpoint: { port: '81' } });
    const following = services(nats, 'orders');
    await until(() => following.found.length === 1, 'the instance is found');
    expect(following.found[0]).toMatchObject({ address: '10.0.0.1', port: 81 });
  });

  test('finds no instance of a service that nothing offers', async () => {
    const following = services(await server(), 'orders');
    await until(() => following.reports === 1, 'an empty report');
    expect(following.found).toEqual([]);
  });

  test('keeps known instances of a service for a while after a new connection', async () => {
    const known = { address: '10.0.0.9', port: 9, weight: 1, labels: {} };
    const nats = await server();
    const following = services(nats, 'orders', [known], 60_000);
    await offer(await peer(nats), 8001);
    await until(() => following.found.length === 2, 'the known instance and the new one');
    const over = services(nats, 'orders', [known], 0);
    await until(() => over.found.length === 1, 'the known instance leaves');
    expect(over.ports).toEqual([8001]);
  });

  test('follows the keys of a bucket', async () => {
    const nats = await server();
    const apps = await peer(nats);
    await apps.run({ do: 'create', bucket: 'instances' });
    const instance = { address: '10.0.0.1', port: 8002, weight: 2, zone: 'eu-1', labels: { team: 'red' } };
    await apps.put('instances', 'orders.a', { ...instance, port: 8001 });
    await apps.put('instances', 'orders.a', instance);
    await apps.put('instances', 'other.a', { address: '10.0.0.1', port: 1 });
    const following = bucket(nats, 'instances', 'orders.*');
    await until(() => following.reports > 0, 'the first report');
    expect(following.found).toEqual([instance]);
    await apps.put('instances', 'orders.b', { address: '10.0.0.2', port: 8003 });
    await until(() => following.ports.length === 2, 'the new key');
    await apps.run({ do: 'delete', bucket: 'instances', key: 'orders.a' });
    await until(() => following.ports.length === 1, 'the deleted key leaves');
    await apps.run({ do: 'purge', bucket: 'instances', key: 'orders.b' });
    await until(() => following.ports.length === 0, 'the purged key leaves');
    await apps.put('instances', 'orders.c', 'hello');
    await until(() => following.leftOut.length === 1, 'the invalid value is told');
    expect(following.leftOut).toEqual(['orders.c is not a JSON object of at most 16384 bytes']);
    expect(following.fault).toBe('');
  });

  test('finds no instance in an empty bucket', async () => {
    const nats = await server();
    await (await peer(nats)).run({ do: 'create', bucket: 'instances' });
    const following = bucket(nats, 'instances');
    await until(() => following.reports === 1, 'an empty report');
    expect(following.found).toEqual([]);
  });

  test.each([
    ['by the age that the bucket allows', { ttl: 1_500 }, 0],
    ['by its own time, with a mark of the server', { markers: 1_000 }, 1_000],
  ])('lets a value leave that expires: %s', async (_, config, ttl) => {
    const nats = await server();
    const apps = await peer(nats);
    await apps.run({ do: 'create', bucket: 'instances', ...config });
    const put = (key: string, port: number) =>
      apps.run({ do: 'put', bucket: 'instances', key, value: JSON.stringify({ address: '10.0.0.1', port }), ttl });
    await put('a', 8001);
    const following = bucket(nats, 'instances');
    await until(() => following.reports > 0, 'a first report');
    await put('b', 8002);
    await until(() => following.ports.includes(8002), 'the second value is found');
    await until(() => following.found.length === 0, 'both values leave');
    expect(following.fault).toBe('');
  });

  test('needs few rights, and tells which one is missing', async () => {
    const pub = ['$SRV.INFO.orders', '$JS.API.STREAM.INFO.KV_b', '$JS.API.CONSUMER.CREATE.KV_b.>', '$JS.API.CONSUMER.DELETE.KV_b.*'];
    const rights = `permissions: { publish: ${JSON.stringify(pub)}, subscribe: ["_INBOX.>"] }`;
    const users = `authorization { users: [{user: app, password: ""}, {user: weir, password: "x", ${rights}}] }\nno_auth_user: app`;
    const nats = await server({ config: users });
    const apps = await peer(nats);
    await apps.run({ do: 'create', bucket: 'b', ttl: 1_000 });
    await apps.put('b', 'a', { address: '10.0.0.1', port: 8001 });
    await offer(apps, 8002);
    const how = access(nats, { login: loginOf({ username: 'weir', password: 'x' }) });
    const times = { interval: 40, settle: 20, grace: 0 };
    const polls = (name: string) =>
      new Following(how, (connection, { report }, signal) => new ServicePolls({ name }, [], report, times).run(connection, signal));
    const [service, denied] = [polls('orders'), polls('other')];
    const keys = new Following(how, (connection, { report }, signal) =>
      followBucket(connection, { bucket: 'b', keys: '>' }, report, signal),
    );
    await until(() => service.ports.includes(8002) && keys.reports > 0, 'the instances of both');
    // The bucket is read again after the value has expired.
    await until(() => keys.reports > 1 && keys.found.length === 0, 'the value leaves');
    expect([service.fault, keys.fault]).toEqual(['', '']);
    await until(() => denied.fault !== '', 'a missing right');
    expect(denied.fault).toBe(`${nats.url} answers: Permissions Violation for Publish to "$SRV.INFO.other"`);
  });

  test('tells why a bucket cannot be read', async () => {
    const nats = await server();
    const following = bucket(nats, 'missing');
    await until(() => following.fault !== '', 'a fault');
    expect(following.fault).toBe(`${nats.url} answers: stream not found`);
  });
});
