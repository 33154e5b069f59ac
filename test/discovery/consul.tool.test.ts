// Endpoints from a real Consul, through `weir up`.
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Backend } from '../support/backend.ts';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { CONSUL, ConsulServer, ROOT_TOKEN } from './consul-server.ts';
import type { ConsulOptions, Registration } from './consul-server.ts';
import { DiscoveringWeir, secret } from './discovering.ts';

const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});

async function startConsul(options?: ConsulOptions): Promise<ConsulServer> {
  const consul = await ConsulServer.start(options);
  open.push(consul);
  return consul;
}

async function startWeir(...args: Parameters<typeof DiscoveringWeir.start>): Promise<DiscoveringWeir> {
  const weir = await DiscoveringWeir.start(...args);
  open.push(weir);
  return weir;
}

function registration({ name, port }: Pick<Backend, 'name' | 'port'>, more: Partial<Registration> = {}): Registration {
  return { id: name, name: 'orders', address: '127.0.0.1', port, ...more };
}

/** The fields of a Backend. */
function source({ url }: ConsulServer, more: object = {}): object {
  return { consul: { address: url, service: 'orders', ...more } };
}

describeWith(['go'], 'endpoints from Consul', () => {
  beforeAll(() => buildGoTool(CONSUL), 1_200_000);

  test('follow registrations, tags, checks and maintenance', async () => {
    const consul = await startConsul();
    const weir = await startWeir(source(consul, { tags: ['v2'] }));
    const [a, b, old] = [await weir.backend('a'), await weir.backend('b'), await weir.backend('old')];
    await weir.settled([]);
    await consul.register(registration(a, { tags: ['v2', 'eu'], status: 'passing' }));
    await consul.register(registration(b, { tags: ['v2'] }));
    await consul.register(registration(old, { tags: ['v1'] }));
    await weir.settled([a.port, b.port]);
    await weir.answers('a', 'b');
    await consul.check('a', 'critical');
    await weir.settled([b.port]);
    await consul.check('a', 'warning');
    await consul.ask('PUT', '/v1/agent/service/maintenance/b?enable=true');
    await weir.settled([]);
    weir.change({ source: source(consul, { tags: ['v2'], health: 'Warning' }) });
    await weir.settled([a.port]);
    await consul.ask('PUT', '/v1/agent/service/maintenance/b?enable=false');
    await weir.settled([a.port, b.port]);
    await consul.deregister('a');
    await weir.settled([b.port]);
    await weir.answers('b');
  });

  test('have the weights and the metadata of the instances', async () => {
    const consul = await startConsul();
    const weir = await startWeir(source(consul));
    const a = await weir.backend('a');
    await consul.register(registration(a, { weights: { passing: 5, warning: 1 }, meta: { version: '2', zone: 'eu-1' } }));
    await weir.settled([a.port]);
    const labels = { version: '2', zone: 'eu-1' };
    expect((await weir.lookup()).endpoints).toEqual([
      { address: '127.0.0.1', port: a.port, draining: false, weight: 5, zone: 'eu-1', labels },
    ]);
  });

  test('lose no request while instances come and go', async () => {
    const consul = await startConsul();
    const weir = await startWeir(source(consul));
    const stays = await weir.backend('stays');
    await consul.register(registration(stays));
    await weir.settled([stays.port]);
    const { failures, requests } = await weir.traffic(async () => {
      for (let i = 0; i < 8; i++) {
        const next = await weir.backend(`n${i}`);
        await consul.register(registration(next));
        await weir.settled([stays.port, next.port]);
        await consul.deregister(`n${i}`);
        await weir.settled([stays.port]);
      }
    });
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(50);
  });

  test('stay in use while Consul is dead or frozen, and follow it again afterwards', async () => {
    const consul = await startConsul();
    const weir = await startWeir(source(consul));
    const [a, b] = [await weir.backend('a'), await weir.backend('b')];
    await consul.register(registration(a));
    await weir.settled([a.port]);
    const { failures } = await weir.traffic(async () => {
      await consul.kill();
      await weir.settled([a.port], 'LookupFailed');
      expect(await weir.isReady()).toBe(true);
      expect((await weir.lookup()).trouble?.message).toBe(`${consul.url} cannot be reached: ECONNREFUSED`);
      await consul.resume();
      await consul.register(registration(b));
      await weir.settled([a.port, b.port]);
      consul.signal('SIGSTOP');
      await weir.answers('a', 'b');
      consul.signal('SIGCONT');
      await consul.deregister('b');
      await weir.settled([a.port]);
    });
    expect(failures).toEqual([]);
    expect(weir.log).toContain('a source of endpoints does not answer; its last answer stays in use');
    expect(weir.log).toContain('the source of endpoints answers again');
  });

  test('are served once Consul is there, and delay nothing before', async () => {
    const consul = await startConsul();
    await consul.kill();
    const weir = await startWeir(source(consul));
    expect(await weir.isReady()).toBe(true);
    await weir.answers('503');
    await consul.resume();
    const a = await weir.backend('a');
    await consul.register(registration(a));
    await weir.settled([a.port]);
    await weir.answers('a');
  });

  test('need the token of a Secret, which may change while requests run', async () => {
    const consul = await startConsul({ acl: true });
    const rules = 'service_prefix "" { policy = "read" }\nnode_prefix "" { policy = "read" }';
    await consul.ask('PUT', '/v1/acl/policy', { Name: 'read', Rules: rules });
    const token = async (): Promise<{ SecretID: string; AccessorID: string }> =>
      (await consul.ask('PUT', '/v1/acl/token', { Policies: [{ Name: 'read' }] })) as { SecretID: string; AccessorID: string };
    const [first, second] = [await token(), await token()];
    const held = (value: string) => [secret('consul', { token: `${value}\n` })];
    const weir = await startWeir(source(consul, { tokenRef: { name: 'consul' } }), held(first.SecretID));
    const a = await weir.backend('a');
    await consul.register(registration(a));
    await weir.settled([a.port]);
    const { failures } = await weir.traffic(async () => {
      weir.change({ others: held('11111111-1111-4111-8111-111111111111') });
      await weir.settled([a.port], 'AccessDenied');
      weir.change({ others: held(second.SecretID) });
      await weir.settled([a.port]);
      await consul.ask('PUT', `/v1/acl/token/${second.AccessorID}`, { Policies: [] });
      weir.change({ source: source(consul, { tokenRef: { name: 'consul' }, health: 'Warning' }) });
      await weir.settled([a.port], 'AccessDenied');
    });
    expect(failures).toEqual([]);
    for (const value of [ROOT_TOKEN, first.SecretID, second.SecretID]) expect(weir.log).not.toContain(value);
  });

  describeTls();

  test('are refused on the addresses of this machine, unless they are allowed', async () => {
    const consul = await startConsul();
    const weir = await startWeir(source(consul), [], '');
    const a = await weir.backend('a');
    await consul.register(registration(a));
    await weir.settled([a.port]);
    await weir.answers('503');
  });

  test('are told one by one if they cannot be used, and others are used', async () => {
    const consul = await startConsul();
    const weir = await startWeir(source(consul));
    const a = await weir.backend('a');
    await consul.register(registration(a));
    await consul.register({ id: 'named', name: 'orders', address: 'db.example.com', port: 80 });
    await weir.settled([a.port], 'InvalidInstances');
    expect((await weir.lookup()).trouble?.message).toBe('instance named has no IP address; such instances are not used');
    await weir.answers('a');
  });

  test('stay in use if something else answers at the address of Consul', async () => {
    const consul = await startConsul();
    const weir = await startWeir(source(consul));
    const a = await weir.backend('a');
    await consul.register(registration(a));
    await weir.settled([a.port]);
    await consul.kill();
    const impostor = net.createServer((socket) => {
      socket.on('error', () => undefined).end('hello\r\n', () => socket.destroy());
    });
    impostor.listen(Number(new URL(consul.url).port), '127.0.0.1');
    await once(impostor, 'listening');
    try {
      await weir.settled([a.port], 'LookupFailed');
      await weir.answers('a');
    } finally {
      await once(impostor.close(), 'close');
    }
  });
});

function describeTls(): void {
  let ca: TestCa;
  beforeAll(async () => void (ca = await TestCa.create()));
  afterAll(() => ca.remove());

  test('come over TLS with the certificates of Secrets', async () => {
    const files = await ca.issue('server.dc1.consul', 'DNS:server.dc1.consul,DNS:localhost,IP:127.0.0.1');
    const [certificate, key, authority] = [files.certificate, files.privateKey, files.ca].map((file) => readFileSync(file, 'utf8')) as [
      string,
      string,
      string,
    ];
    const consul = await startConsul({ tls: { certificate, key, ca: authority } });
    const secrets = [secret('ca', { 'ca.crt': authority }), secret('client', { 'tls.crt': certificate, 'tls.key': key })];
    const tls = { caCertificateRef: { name: 'ca' }, clientCertificateRef: { name: 'client' } };
    const weir = await startWeir(source(consul, { tls }), secrets);
    const a = await weir.backend('a');
    await consul.register(registration(a));
    await weir.settled([a.port]);
    weir.change({ source: source(consul, { tls: { ...tls, serverName: 'server.dc1.consul' } }) });
    await weir.settled([a.port]);
    weir.change({ source: source(consul, { tls: { ...tls, serverName: 'other.consul' } }) });
    await weir.settled([a.port], 'LookupFailed');
    expect((await weir.lookup()).trouble?.message).toBe(`${consul.url} cannot be reached: ERR_TLS_CERT_ALTNAME_INVALID`);
    weir.change({ source: source(consul, { tls: { caCertificateRef: { name: 'ca' } } }) });
    await weir.settled([a.port], 'LookupFailed');
  });
}
