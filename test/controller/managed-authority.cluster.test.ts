// Controllers that share one CA in a Secret of a real API server, with the documented rights.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { createLog } from '#lib/log.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { until } from '../support/until.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';
import { ManagedAuthority } from '../../controller/authority/managed-authority.ts';

const DAY = 86_400_000;
const SECRETS = { ca: 'weir-ca', proxies: 'weir-proxies', admin: 'weir-admin' } as const;
const RIGHTS = [{ apiGroups: [''], resources: ['secrets'], resourceNames: Object.values(SECRETS), verbs: ['get', 'update'] }];

let cluster: Cluster;
let client: ApiClient;
const running: ManagedAuthority[] = [];

interface Lifetimes {
  readonly lifetime?: number;
  readonly authorityLifetime?: number;
}

function keeper({ lifetime = 30 * DAY, authorityLifetime = 360 * DAY }: Lifetimes = {}): ManagedAuthority {
  const made = new ManagedAuthority({
    ...{ client, namespace: 'default', authoritySecret: SECRETS.ca, proxySecret: SECRETS.proxies, adminSecret: SECRETS.admin },
    ...{ host: 'weir-controller.default.svc', lifetime, authorityLifetime, changed: () => undefined, log: createLog('silent') },
  });
  running.push(made);
  return made;
}

async function data(name: string): Promise<Record<string, string>> {
  const object = (await cluster.object('secret', name)) as { data?: Record<string, string> };
  return Object.fromEntries(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

/** Resolves to the data of the proxies' Secret once its certificate is of the CA in the other Secret. */
async function proxyCertificate(): Promise<X509Certificate> {
  let found: X509Certificate | null = null;
  await cluster.until('a certificate for the proxies', async () => {
    const [ca, proxies] = await Promise.all([data(SECRETS.ca), data(SECRETS.proxies)]);
    found = new X509Certificate(proxies['tls.crt'] ?? '');
    return proxies['ca.crt'] === ca['ca.crt'] && found.verify(new X509Certificate(ca['tls.crt'] ?? '').publicKey);
  });
  return found!;
}

beforeAll(async () => {
  cluster = await startCluster();
  const account = await cluster.account('controller', RIGHTS);
  client = new ApiClient(loadKubeConfig(account.kubeconfig));
});
beforeEach(async () => {
  for (const name of Object.values(SECRETS)) await cluster.kubectl(['create', 'secret', 'generic', name]);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((authority) => authority.stop()));
  await cluster.kubectl(['delete', 'secret', ...Object.values(SECRETS), '--ignore-not-found']);
});
afterAll(async () => {
  await client?.close();
  await cluster?.stop();
});

describeWith(['cluster'], 'ManagedAuthority', () => {
  test('controllers that start at once agree on one CA, and the proxies and the admin program get certificates of it', async () => {
    const many = Array.from({ length: 5 }, () => keeper());
    await Promise.all(many.map((authority) => authority.start()));
    await until(() => many.every(({ trouble }) => trouble === ''));
    // The controllers that lost the race read the winner's CA at their next check.
    const stored = (await data(SECRETS.ca))['tls.crt'];
    for (const authority of many) expect((await authority.current()).certificate).toBe(stored);
    expect((await proxyCertificate()).subjectAltName).toBe('URI:spiffe://weir/shared');
    expect(new X509Certificate((await data(SECRETS.admin))['tls.crt'] ?? '').subjectAltName).toBe('URI:spiffe://weir/admin');
  });

  test('a controller that starts later uses the existing CA', async () => {
    await keeper().start();
    const before = await proxyCertificate();
    const later = keeper();
    await later.start();
    await until(() => later.trouble === '');
    expect((await proxyCertificate()).fingerprint256).toBe(before.fingerprint256);
    const { ca, certificate } = await later.serverCertificate();
    expect(new X509Certificate(certificate).checkHost('weir-controller.default.svc')).toBeDefined();
    expect(ca.toString()).toBe((await data(SECRETS.ca))['ca.crt']);
  });

  test('certificates and the CA are renewed before they expire, and a CA is trusted before it signs', async () => {
    const authority = keeper({ lifetime: 3_000, authorityLifetime: 18_000 });
    await authority.start();
    const [first, own] = [await proxyCertificate(), await authority.serverCertificate()];
    const { certificate: ca } = await authority.current();
    await cluster.until('a new certificate', async () => (await proxyCertificate()).fingerprint256 !== first.fingerprint256);
    await cluster.until('a new one of the server', async () => !(await authority.serverCertificate()).certificate.equals(own.certificate));
    let announced = '';
    await cluster.until('a new CA', async () => {
      const { certificate, bundle } = await authority.current();
      if (certificate === ca) announced = bundle;
      return certificate !== ca;
    });
    expect(announced).toContain((await authority.current()).certificate);
    expect((await proxyCertificate()).verify(new X509Certificate((await authority.current()).certificate).publicKey)).toBe(true);
  });

  test('a missing Secret is named, and used once it exists', async () => {
    await cluster.kubectl(['delete', 'secret', SECRETS.ca]);
    const authority = keeper();
    const started = authority.start();
    await until(() => authority.trouble === `Secret default/${SECRETS.ca} does not exist: create it, empty`);
    await expect(authority.current()).rejects.toThrow('does not exist');
    await cluster.kubectl(['create', 'secret', 'generic', SECRETS.ca]);
    await started;
    await until(() => authority.trouble === '');
  });

  test('a missing right is named', async () => {
    const stranger = await cluster.account('stranger', []);
    const own = client;
    client = new ApiClient(loadKubeConfig(stranger.kubeconfig));
    try {
      const authority = keeper();
      const started = authority.start();
      await until(() => authority.trouble.startsWith(`Secret default/${SECRETS.ca}: the controller's Role must let it get this Secret`));
      await authority.stop();
      await started;
    } finally {
      await client.close();
      client = own;
    }
  });

  test('an emptied or damaged Secret is filled again', async () => {
    await keeper({ lifetime: 2_000, authorityLifetime: 3_600_000 }).start();
    const before = await proxyCertificate();
    await cluster.kubectl(['patch', 'secret', SECRETS.ca, '--type=json', '-p', '[{"op":"remove","path":"/data"}]']);
    await cluster.until('another CA', async () => !before.verify(new X509Certificate((await data(SECRETS.ca))['tls.crt'] ?? '').publicKey));
    await proxyCertificate();
  });
});
