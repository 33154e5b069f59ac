// Certificates in Secrets of a real API server, with the documented rights; and those that two replicas of the controller obtain for two
// proxies from a real ACME server.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ClusterStore } from '../../controller/acme/cluster-store.ts';
import { WriteConflict, type SecretWrite } from '../../controller/acme/certificate-store.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { readFileSync } from 'node:fs';
import { buildGoTool } from '../support/go-tool.ts';
import { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, listOf } from '../support/objects.ts';
import { Pebble, PEBBLE } from './pebble.ts';
import { servedCertificate } from './served-certificate.ts';

const GATEWAYS = { apiGroups: ['gateway.networking.k8s.io'], resources: ['gateways'], verbs: ['get'] };
const SECRETS = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'update'] };

let cluster: Cluster;
const clients: ApiClient[] = [];

async function storeWith(name: string, rights: Parameters<Cluster['account']>[1]): Promise<ClusterStore> {
  const client = new ApiClient(loadKubeConfig((await cluster.account(name, rights)).kubeconfig));
  clients.push(client);
  return new ClusterStore(client);
}

function pending(key: string): SecretWrite {
  return { key, type: 'kubernetes.io/tls', entries: { 'tls.crt': '', 'tls.key': '', 'acme.json': '{}' }, before: null };
}

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await cluster?.stop();
});

describeWith(['cluster'], 'the Secrets of certificates', () => {
  let store: ClusterStore;
  beforeAll(async () => {
    store = await storeWith('controller', [SECRETS, GATEWAYS]);
  });

  test('begin without a certificate, and get one later', async () => {
    expect(await store.read('default/one')).toBeNull();
    const created = await store.write(pending('default/one'));
    await store.write({ ...pending('default/one'), entries: { ...created.entries, 'tls.crt': 'pem' }, before: created });
    expect((await store.read('default/one'))?.entries).toEqual({ 'tls.crt': 'pem', 'tls.key': '', 'acme.json': '{}' });
  });

  test('have one writer at a time: the other one notices', async () => {
    const attempts = await Promise.allSettled([store.write(pending('default/two')), store.write(pending('default/two'))]);
    expect(attempts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const before = await store.read('default/two');
    const change = { ...pending('default/two'), before, entries: { ...before?.entries, 'acme.json': '[1]' } };
    await store.write(change);
    await expect(store.write(change)).rejects.toThrow(WriteConflict);
  });

  test('name the missing right', async () => {
    const reader = await storeWith('reader', [{ ...SECRETS, verbs: ['get'] }]);
    await expect(reader.write(pending('default/three'))).rejects.toThrow('the controller may not create Secret/default/three');
  });

  test('are left to cert-manager if the Gateway says so', async () => {
    const plain = gateway('plain', [{ name: 'http', port: 80 }]);
    const metadata = { name: 'theirs', namespace: 'default', annotations: { 'cert-manager.io/issuer': 'letsencrypt' } };
    await cluster.apply(listOf({ ...plain, metadata: { name: 'plain', namespace: 'default' } }, { ...plain, metadata }));
    expect(await store.ownerOf('default/plain')).toBeNull();
    expect(await store.ownerOf('default/theirs')).toBe('cert-manager (annotation cert-manager.io/issuer)');
  });
});

describeWith(['cluster', 'go'], 'two replicas of the controller with two proxies', () => {
  const HOSTS = ['127.0.0.10', '127.0.0.11'] as const;
  const DEADLINE_MS = 120_000;
  let pebble: Pebble;
  let weir: Installation;

  beforeAll(async () => {
    buildGoTool(PEBBLE);
    pebble = await Pebble.start();
    weir = await Installation.start(cluster, HOSTS.slice(0, 1), undefined, { WEIR_ALLOW_ENDPOINTS: '127.0.0.0/8' });
    await weir.controller.printed(/"leading":true/);
    await weir.proxies[0]?.stop('SIGKILL');
    weir.replicas.push(weir.startController(1));
    weir.proxies.push(await weir.startProxy(HOSTS[1], 1));
    await apply();
    // The leader has no proxy of its own: it knows the one of the other replica.
    await cluster.until('the proxy of the other replica', isProgrammed);
    const said = weir.controller.output.length;
    weir.proxies[0] = await weir.startProxy(HOSTS[0]);
    await weir.controller.printed(/"msg":"proxy connected"/, said);
  }, DEADLINE_MS);

  afterAll(async () => {
    await weir?.stop();
    await pebble?.stop();
  });

  /** A Gateway with a listener for HTTPS for each of these names, whose certificates are in Secrets of the same names. */
  async function apply(...names: readonly string[]): Promise<void> {
    const acme = { server: pebble.directory, caBundle: readFileSync(pebble.authority, 'utf8') };
    const secure = names.map((name) => ({
      ...{ name, port: pebble.tlsPort, protocol: 'HTTPS', hostname: `${name}.example.com` },
      tls: { certificateRefs: [{ name }] },
    }));
    const parametersRef = { group: 'gateway.weir.dev', kind: 'GatewayParameters', name: 'issued' };
    const spec = {
      gatewayClassName: 'weir',
      infrastructure: { parametersRef },
      listeners: [{ name: 'http', port: pebble.httpPort, protocol: 'HTTP' }, ...secure],
    };
    await cluster.apply(
      listOf(
        gatewayClass(),
        { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'GatewayParameters', metadata: { name: 'issued' }, spec: { acme } },
        { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'issued' }, spec },
      ),
    );
  }

  async function isProgrammed(): Promise<boolean> {
    const { status } = (await cluster.object('gateways', 'issued')) as { readonly status?: { readonly conditions?: readonly Condition[] } };
    return status?.conditions?.some(({ type, status: is }) => type === 'Programmed' && is === 'True') === true;
  }

  /** Resolves once this proxy serves a certificate for the name; to its serial number. */
  async function served(host: string, name: string): Promise<string> {
    let serial = '';
    await cluster.until(`a certificate for ${name} at ${host}`, async () => {
      const certificate = await servedCertificate(host, pebble.tlsPort, `${name}.example.com`);
      if (certificate?.subjectAltName === `DNS:${name}.example.com`) serial = certificate.serialNumber;
      return serial !== '';
    });
    return serial;
  }

  async function hasOrder(name: string): Promise<boolean> {
    const kept = await cluster.list<KeptSecret>('secrets');
    const state = kept.find(({ metadata }) => metadata.name === name)?.data?.['acme.json'];
    return state !== undefined && (JSON.parse(Buffer.from(state, 'base64').toString()) as { order: object | null }).order !== null;
  }

  test(
    'get one certificate for each name, whichever proxy the authority asks',
    async () => {
      await Promise.all([pebble.setAddress('east.example.com', HOSTS[0]), pebble.setAddress('west.example.com', HOSTS[1])]);
      await apply('east', 'west');
      for (const name of ['east', 'west']) expect(await served(HOSTS[0], name)).toBe(await served(HOSTS[1], name));
      expect(pebble.orders).toBe(2);
    },
    DEADLINE_MS,
  );

  test(
    'go on with the same order when the leader dies in the middle',
    async () => {
      await pebble.setAddress('late.example.com', HOSTS[1]);
      await apply('east', 'west', 'late');
      await cluster.until('an order', () => hasOrder('late'));
      await weir.controller.stop('SIGKILL');
      const serial = await served(HOSTS[1], 'late');
      expect(pebble.orders).toBe(3);
      weir.controller = weir.startController();
      expect(await served(HOSTS[0], 'late')).toBe(serial);
      expect(pebble.orders).toBe(3);
    },
    DEADLINE_MS,
  );
});

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface KeptSecret {
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}
