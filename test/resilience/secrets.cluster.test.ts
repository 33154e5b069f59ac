// Secrets of a cluster, from the watch to handshakes: read once referenced, rotated, deleted, created again, of the wrong type, and without
// the right to read them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { Agent, request } from 'undici';
import { statusWrites } from '../cluster/audit.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Account, Cluster, PolicyRule } from '../cluster/cluster.ts';
import { addAddress, removeAddress } from '../support/address.ts';
import { Backend } from '../support/backend.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { freePorts } from '../support/free-port.ts';
import { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute, listOf, serviceOf } from '../support/objects.ts';
import type { TestListener } from '../support/objects.ts';
import { readable } from '../support/readable.ts';
import { documentedRights } from '../support/rights.ts';
import { traffic } from '../support/traffic.ts';
import type { Flow } from '../support/traffic.ts';

const HOST = '127.0.0.10';
const NAME = 'web.test';
const PAUSE_MS = 5;
/** A refused read is repeated every five seconds. */
const BACK_MS = 60_000;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message: string;
}

describeWith(['cluster', 'root', 'ip'], 'Secrets of a cluster', () => {
  const backend = new Backend('app');
  let address: string;
  let cluster: Cluster;
  let account: Account;
  let weir: Installation;
  let ca: TestCa;
  let ports: readonly number[];
  /** The certificate that the first port serves now. */
  let current: IssuedFiles;

  beforeAll(async () => {
    address = addAddress();
    await backend.start(0, address);
    ports = await freePorts(2);
    ca = await TestCa.create();
    cluster = await startCluster({ channel: 'standard', audit: true });
    account = await cluster.account('controller', documentedRights());
    weir = await Installation.start(cluster, [HOST], account);
    await apply(gatewayClass(), httpRoute('app', 'app'), ...serviceOf('app', { address, port: backend.port }));
    await weir.controller.printed(/proxies are served/);
  });

  afterAll(async () => {
    await weir?.stop();
    await cluster?.stop();
    await ca?.remove();
    await backend.stop();
    if (address !== undefined) removeAddress(address);
  });

  const apply = (...objects: readonly object[]) => cluster.apply(listOf(...objects));
  const issue = () => ca.issue('web', `DNS:${NAME}`);
  const text = (file: string) => readFileSync(file, 'utf8');

  function secret(name: string, stringData: object, type = 'Opaque'): object {
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData };
  }

  function tlsSecret(name: string, { certificate, privateKey }: IssuedFiles, type = 'kubernetes.io/tls'): object {
    return secret(name, { 'tls.crt': text(certificate), 'tls.key': text(privateKey) }, type);
  }

  function https(certificate: string, port = 0): TestListener {
    return { name: 'https', port: ports[port] ?? 0, protocol: 'HTTPS', tls: { certificateRefs: [{ name: certificate }] } };
  }

  /** Resolves once new handshakes at a port end with the certificate. */
  function serves({ certificate }: IssuedFiles, port = 0): Promise<void> {
    const { fingerprint256 } = new X509Certificate(readFileSync(certificate));
    return cluster.until('the certificate', async () => (await served(port)) === fingerprint256, BACK_MS);
  }

  /** The fingerprint of the certificate at a port. */
  async function served(port = 0): Promise<string> {
    const socket = tls.connect({ host: HOST, port: ports[port], servername: NAME, ca: text(ca.certificate) });
    try {
      await once(socket, 'secureConnect');
      return socket.getPeerX509Certificate()?.fingerprint256 ?? '';
    } finally {
      socket.destroy();
    }
  }

  async function get(dispatcher: Agent): Promise<string | null> {
    const { statusCode, body } = await request(`https://${HOST}:${ports[0]}/app`, { dispatcher, signal: AbortSignal.timeout(15_000) });
    await body.dump();
    return statusCode === 200 ? null : `status ${statusCode}`;
  }

  const agent = () => new Agent({ connections: 1, connect: { ca: text(ca.certificate), servername: NAME } });

  /** Requests over TLS, on one connection or on separate ones. */
  function requests(name: 'kept' | 'new'): Flow {
    return {
      name,
      open: () => {
        const kept = agent();
        const next = async () => {
          if (name === 'kept') return get(kept);
          const own = agent();
          return get(own).finally(() => own.destroy());
        };
        return { next, close: () => kept.destroy() };
      },
    };
  }

  /** Runs traffic to the first port; no exchange may fail. */
  async function unharmed(during: () => Promise<unknown>): Promise<void> {
    const result = await traffic([requests('kept'), requests('new')], during, PAUSE_MS);
    expect(result.failures).toEqual([]);
    expect(result.requests).toBeGreaterThan(20);
  }

  /** Resolves once the listener of a Gateway has this condition. */
  function says(name: string, type: string, status: string, message = ''): Promise<void> {
    return cluster.until(`${type} ${status} ${message}`, async () => {
      const { status: told } = (await cluster.object('gateway', name)) as {
        status?: { listeners?: { conditions: readonly Condition[] }[] };
      };
      const condition = told?.listeners?.[0]?.conditions.find((each) => each.type === type);
      return condition?.status === status && condition.message.includes(message);
    });
  }

  /** The messages of statuses so far. */
  const written = () => JSON.stringify(statusWrites(cluster.auditEvents(), account.user));

  function grant(rules: readonly PolicyRule[]): Promise<void> {
    return apply({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'default-controller' }, rules });
  }

  /** The documented rights without the right to get Secrets. */
  async function revoke(): Promise<void> {
    const rules = documentedRights().flatMap((rule) => {
      if (!rule.resources.includes('secrets')) return [rule];
      const others = { ...rule, resources: rule.resources.filter((name) => name !== 'secrets') };
      return [others, { ...rule, resources: ['secrets'], verbs: ['list', 'watch'] }].filter(({ resources }) => resources.length > 0);
    });
    await grant(rules);
    const path = '/api/v1/namespaces/default/secrets/cert';
    await cluster.until('a refusal', async () => (await cluster.get(path, account.token)).status === 403);
  }

  test('an existing Secret is served with its first reference, and never reported as missing', async () => {
    current = await issue();
    await apply(tlsSecret('cert', current));
    await apply(gateway('gw', [https('cert')]));
    await serves(current);
    await says('gw', 'Programmed', 'True');
    expect(written()).toContain('"gw"');
    expect(written()).not.toMatch(/does not exist|cannot be read/);
  });

  test('a Secret that is created after its Gateway is served', async () => {
    await apply(gateway('other', [https('late', 1)]));
    await says('other', 'ResolvedRefs', 'False', 'Secret/default/late does not exist');
    const late = await issue();
    await apply(tlsSecret('late', late));
    await serves(late, 1);
    await says('other', 'ResolvedRefs', 'True');
  });

  test('rotation fails no request and ends no connection', async () => {
    await unharmed(async () => {
      for (let i = 0; i < 3; i++) {
        current = await issue();
        await apply(tlsSecret('cert', current));
        await serves(current);
      }
    });
  });

  test('a key of another certificate leaves the previous pair in use; condition, Event and metric report it', async () => {
    const { certificate } = await issue();
    const kept = 'the previous pair stays in use and is valid until';
    const notes = () =>
      cluster.kubectl(['get', 'events.events.k8s.io', '-o', 'jsonpath={range .items[*]}{.regarding.kind} {.note}{"\\n"}{end}']);
    await unharmed(async () => {
      await apply(tlsSecret('cert', { ...current, certificate }));
      await says('gw', 'ResolvedRefs', 'False', kept);
      await says('gw', 'Programmed', 'True');
      await serves(current);
      await cluster.until('the Event', async () =>
        /^Gateway Secret\/default\/cert holds .*; the previous pair stays in use/m.test(await notes()),
      );
      expect(await weir.metric('weir_secret_problems')).toBe(1);
      expect(await weir.metric('weir_certificate_expiry_timestamp_seconds{secret="default/cert"}')).toBeGreaterThan(Date.now() / 1_000);
      current = await issue();
      await apply(tlsSecret('cert', current));
      await serves(current);
      await says('gw', 'ResolvedRefs', 'True');
      expect(await weir.metric('weir_secret_problems')).toBe(0);
    });
  });

  test('without the right to get Secrets, those in use stay, a new one is unreadable, and everything else continues', async () => {
    const said = weir.controller.output.length;
    const next = await issue();
    const before = current;
    await unharmed(async () => {
      await revoke();
      await apply(tlsSecret('cert', next));
      await weir.controller.printed(/may not get secrets: its ClusterRole lacks the rule .*\\"verbs\\":\[\\"get\\"\]/, said);
      expect(await weir.metric('weir_watch_trouble{kind="Secret",reason="forbidden"}')).toBe(1);
      await cluster.until('the condition', async () => (await readable(cluster)).includes(': the controller may not get secrets'));
      await apply(tlsSecret('unread', next), gateway('other', [https('unread', 1)]));
      await says('other', 'ResolvedRefs', 'False', 'Secret/default/unread cannot be read: the controller may not get secrets');
      await apply(httpRoute('later', 'app'));
      const own = agent();
      await cluster.until('a later route', async () => {
        const { statusCode, body } = await request(`https://${HOST}:${ports[0]}/later`, { dispatcher: own });
        await body.dump();
        return statusCode === 200;
      });
      await own.destroy();
      await serves(before);
      await grant(documentedRights());
      await serves(next);
      await serves(next, 1);
      await says('other', 'ResolvedRefs', 'True');
      expect(await weir.metric('weir_watch_trouble{kind="Secret",reason="forbidden"}')).toBe(0);
    });
    current = next;
  }, 240_000);

  test('a controller that starts without that right takes no listener down', async () => {
    await unharmed(async () => {
      await revoke();
      await weir.controller.stop('SIGKILL');
      weir.controller = weir.startController();
      await weir.controller.printed(/may not get secrets/);
      expect(await weir.probe('/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('not read yet: Secret') });
      await grant(documentedRights());
      await weir.controller.printed(/proxies are served/);
      current = await issue();
      await apply(tlsSecret('cert', current));
      await serves(current);
    });
  }, 240_000);

  test('a deleted Secret is not served, and served again once it is created again', async () => {
    await cluster.kubectl(['delete', 'secret', 'cert']);
    await says('gw', 'ResolvedRefs', 'False', 'Secret/default/cert does not exist');
    current = await issue();
    await apply(tlsSecret('cert', current));
    await serves(current);
  });

  test('a Secret of another type is not used as a certificate, and the condition names the type', async () => {
    await apply(tlsSecret('opaque', await issue(), 'Opaque'), gateway('other', [https('opaque', 1)]));
    await says('other', 'ResolvedRefs', 'False', 'Secret/default/opaque is of type Opaque; create it anew with type kubernetes.io/tls');
  });

  test('an Opaque Secret can have CA certificates for clients and backends', async () => {
    const own = gateway('gw', [https('cert')]);
    const validation = { caCertificateRefs: [{ group: '', kind: 'Secret', name: 'authorities' }] };
    const policy = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'BackendTLSPolicy',
      metadata: { name: 'secured' },
      spec: { targetRefs: [{ group: '', kind: 'Service', name: 'secured' }], validation: { ...validation, hostname: NAME } },
    };
    await apply(
      secret('authorities', { 'ca.crt': text(ca.certificate) }),
      { ...own, spec: { ...(own['spec'] as object), tls: { frontend: { default: { validation } } } } },
      ...serviceOf('secured', { address, port: backend.port }),
      httpRoute('secured', 'secured'),
      policy,
    );
    await says('gw', 'ResolvedRefs', 'True');
    await cluster.until('the policy', async () => {
      const { status } = (await cluster.object('backendtlspolicy', 'secured')) as {
        status?: { ancestors?: { conditions: readonly Condition[] }[] };
      };
      const conditions = status?.ancestors?.[0]?.conditions ?? [];
      return conditions.some(({ type, status: is }) => type === 'Accepted' && is === 'True');
    });
    const client = await ca.issue('client', '');
    const connect = { ca: text(ca.certificate), servername: NAME, cert: text(client.certificate), key: text(client.privateKey) };
    const known = new Agent({ connect });
    const unknown = agent();
    await cluster.until('clients to be asked', () =>
      get(unknown).then(
        () => false,
        () => true,
      ),
    );
    expect(await get(known)).toBeNull();
    await Promise.all([known.destroy(), unknown.destroy()]);
  });

  test('their data does not get into logs', async () => {
    const key = text(current.privateKey).split('\n')[1] ?? '';
    const encoded = Buffer.from(text(current.privateKey)).toString('base64').slice(0, 60);
    for (const { output } of [weir.controller, ...weir.proxies]) {
      for (const word of [key, encoded, 'PRIVATE KEY', 'BEGIN CERTIFICATE']) expect(output).not.toContain(word);
    }
  });
});
