// Certificates in Secrets of a real API server, with the documented rights.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ClusterStore } from '../../controller/acme/cluster-store.ts';
import { WriteConflict, type SecretWrite } from '../../controller/acme/certificate-store.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, listOf } from '../support/objects.ts';

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

describeWith(['cluster'], 'the Secrets of certificates', () => {
  let store: ClusterStore;
  beforeAll(async () => {
    cluster = await startCluster();
    store = await storeWith('controller', [SECRETS, GATEWAYS]);
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await cluster?.stop();
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
