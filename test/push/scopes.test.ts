// The scope of a proxy: its certificate decides, not its messages. Real certificates, streams and scopes.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { ChannelCredentials, status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import { encodeResource } from '#api/ir/ir.ts';
import type { EncodedResource } from '#api/ir/ir.ts';
import { connectDiscovery } from '#api/wire/discovery.ts';
import type { ProxyMessage, PushMessage } from '#api/wire/messages.ts';
import { fleetIdentity } from '../../controller/compile/fleet-identity.ts';
import { Scopes } from '../../controller/push/scopes.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { PushWorld, secret } from '../support/push.ts';
import { until } from '../support/until.ts';

const GATEWAYS = ['ns/a', 'ns/b', 'ns/c'];

let ca: TestCa;
let controller: IssuedFiles;
let world: PushWorld;
let scopes: Scopes;
let port: number;

function listener(gateway: string): EncodedResource {
  const tls = { mode: 'Terminate' as const, certificates: [gateway] };
  const key = `${gateway}/https`;
  return encodeResource({ kind: 'Listener', key, gateway, addresses: [], port: 443, protocol: 'HTTPS', hostname: '', tls });
}

function own(...gateways: string[]): void {
  scopes.apply({ changed: [], removed: [], fleets: gateways.map((gateway) => ({ gateway })), fleetsGone: [] });
}

beforeAll(async () => {
  ca = await TestCa.create();
  controller = await ca.issue('controller', 'DNS:localhost,IP:127.0.0.1');
});

afterAll(() => ca.remove());

/** Gateways a and b have dedicated proxies, c uses the shared proxies. Each has a Secret. */
beforeEach(async () => {
  world = new PushWorld();
  scopes = new Scopes();
  const changed = GATEWAYS.flatMap((gateway) => [secret(gateway, `key of ${gateway}`), listener(gateway)]);
  scopes.apply({ changed, removed: [], fleets: [{ gateway: 'ns/a' }, { gateway: 'ns/b' }], fleetsGone: [] });
  ({ port } = await world.serve({ tls: controller, cacheOf: (scope) => scopes.cacheOf(scope) }));
});

afterEach(() => world.close());

/** Connects with these files and sends these messages: returns the received names, with a minus for removals, or the end of the stream. */
async function sent(files: IssuedFiles, ...messages: readonly ProxyMessage[]): Promise<readonly string[] | StatusObject> {
  const [root, key, certificate] = await Promise.all([readFile(files.ca), readFile(files.privateKey), readFile(files.certificate)]);
  const client = connectDiscovery(`127.0.0.1:${port}`, ChannelCredentials.createSsl(root, key, certificate), {
    'grpc.ssl_target_name_override': 'localhost',
  });
  const stream = client.subscribe();
  const outcome = Promise.withResolvers<readonly string[] | StatusObject>();
  const ids: string[] = [];
  stream.on('error', () => undefined);
  stream.on('status', outcome.resolve);
  stream.on('data', ({ changed, removed, complete }: PushMessage) => {
    ids.push(...changed.map(({ kind, key }) => `${kind}|${key}`), ...removed.map(({ kind, key }) => `-${kind}|${key}`));
    if (complete) outcome.resolve(ids);
  });
  for (const message of messages) stream.write(message);
  return outcome.promise.finally(() => {
    stream.cancel();
    client.close();
  });
}

const hello = (more: object = {}): ProxyMessage => ({ message: 'hello', hello: { nodeId: 'n', weirVersion: '', ...more } });
const NOTHING: ProxyMessage = { message: 'inventory', inventory: { held: [], last: true } };

describe('a proxy', () => {
  test.each([
    ['of a fleet reads the resources of its Gateway', `URI:${fleetIdentity('ns/a')}`, ['Secret|ns/a', 'Listener|ns/a/https']],
    ['without a URI reads the shared resources', '', ['Secret|ns/c', 'Listener|ns/c/https']],
    [
      'with an unrelated URI reads the shared resources',
      'URI:spiffe://weir/ns/weir-system/sa/proxy',
      ['Secret|ns/c', 'Listener|ns/c/https'],
    ],
    ['of a missing fleet reads nothing', `URI:${fleetIdentity('ns/none')}`, []],
    ['of a Gateway with shared proxies reads nothing', `URI:${fleetIdentity('ns/c')}`, []],
  ])('%s', async (_what, names, resources) => {
    expect(await sent(await ca.issue('proxy', names), hello(), NOTHING)).toEqual(resources);
  });

  test('cannot get into another scope by its name, by fields, or by its inventory', async () => {
    const files = await ca.issue('proxy', `URI:${fleetIdentity('ns/a')}`);
    const asks = hello({ nodeId: 'ns/b', scope: 'ns/b', gateway: 'ns/b' });
    const held = [{ kind: 'Secret', key: 'ns/b', version: 'outdated' }];
    expect(await sent(files, asks, { message: 'inventory', inventory: { held, last: true } })).toEqual([
      'Secret|ns/a',
      'Listener|ns/a/https',
      '-Secret|ns/b',
    ]);
  });

  test.each([
    ['several URIs', 'proxy', `URI:${fleetIdentity('ns/a')},URI:${fleetIdentity('ns/b')}`],
    ['a URI that goes on after the name', 'proxy', `URI:${fleetIdentity('ns/a')}/b`],
    ['a URI with a query', 'proxy', `URI:${fleetIdentity('ns/a')}?gateway=b`],
    ['a URI with something encoded', 'proxy', 'URI:spiffe://weir/ns/ns%2fgateway%2fa'],
    ['a URI in other letters', 'proxy', 'URI:SPIFFE://WEIR/ns/ns/gateway/a'],
    ['a URI without a name', 'proxy', 'URI:spiffe://weir/ns/ns/gateway/'],
    ['a common name that looks like a URI', fleetIdentity('ns/a').replaceAll('/', '\\/'), ''],
  ])('with %s is refused', async (_what, commonName, names) => {
    expect(await sent(await ca.issue(commonName, names), hello(), NOTHING)).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(world.observer.told).toEqual([]);
  });

  test('has no effect on resources outside its scope', async () => {
    const limits = { inFlight: 1, step: { bytes: 1, resources: 1 } };
    ({ port } = await world.serve({ tls: controller, cacheOf: (scope) => scopes.cacheOf(scope), limits }));
    const files = await ca.issue('proxy', `URI:${fleetIdentity('ns/a')}`);
    const other = { kind: 'Listener', key: 'ns/b/https', version: 'v' };
    const errors = [{ ...other, field: 'port', reason: 'is in use' }];
    // The removal is still to be sent, since the proxy claims to hold a listener that it names.
    const acks = [1, 2].map((nonce): ProxyMessage => ({ message: 'ack', ack: { nonce, errors, recovered: [other] } }));
    await sent(files, hello(), { message: 'inventory', inventory: { held: [other], last: true } }, ...acks);
    await until(() => world.observer.told.includes('disconnected'));
    expect(world.observer.told.filter((line) => line.includes('ns/b'))).toEqual([]);
  });

  test('follows changes of its scope on its open stream', async () => {
    const shared = world.subscribe(port, { tls: await ca.issue('shared', '') });
    const fleet = world.subscribe(port, { tls: await ca.issue('proxy', `URI:${fleetIdentity('ns/c')}`) });
    await Promise.all([shared.subscription.ready, fleet.subscription.ready]);
    own('ns/c');
    await until(() => fleet.target.held.has('Listener|ns/c/https') && shared.target.held.size === 0);
    expect([...fleet.target.held.keys()]).toEqual(['Secret|ns/c', 'Listener|ns/c/https']);
    expect(shared.target.removals).toEqual(['Listener|ns/c/https', 'Secret|ns/c']);
    expect(fleet.subscription.state().connects).toBe(1);
  });
});
