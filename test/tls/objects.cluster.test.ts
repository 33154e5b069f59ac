// TLS in a cluster: objects as an API server takes them, and the statuses that a controller with its documented rights writes.
import { afterAll, beforeAll, test } from '@jest/globals';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { Child } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { documentedRights } from '../support/rights.ts';

const BUILD_DEADLINE_MS = 600_000;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

interface Status {
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly { readonly conditions: readonly Condition[] }[];
  readonly ancestors?: readonly { readonly ancestorRef: { readonly name: string }; readonly conditions: readonly Condition[] }[];
}

const api = 'gateway.networking.k8s.io/v1';

function gateway(mode: string): string {
  const validation = { mode, caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'clients' }] };
  const listeners = [{ name: 'https', port: 8443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'cert' }] } }];
  const spec = { gatewayClassName: 'weir', tls: { frontend: { default: { validation } } }, listeners };
  return JSON.stringify({ apiVersion: api, kind: 'Gateway', metadata: { name: 'web' }, spec });
}

function policy(name: string): string {
  const validation = { hostname: 'app.test', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'backends' }] };
  const spec = { targetRefs: [{ group: '', kind: 'Service', name: 'app' }], validation };
  return JSON.stringify({ apiVersion: api, kind: 'BackendTLSPolicy', metadata: { name }, spec });
}

const OBJECTS = `
apiVersion: ${api}
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
---
apiVersion: v1
kind: Service
metadata: { name: app }
spec: { ports: [{ name: https, port: 443 }] }
---
apiVersion: ${api}
kind: HTTPRoute
metadata: { name: app }
spec: { parentRefs: [{ name: web }], rules: [{ backendRefs: [{ name: app, port: 443 }] }] }
`;

describeWith(['cluster'], 'TLS in a cluster', () => {
  let cluster: Cluster;
  let controller: Child;
  let ca: TestCa;
  let issued: IssuedFiles;

  beforeAll(async () => {
    ca = await TestCa.create();
    issued = await ca.issue('web', 'DNS:web.test');
    cluster = await startCluster({ channel: 'standard' });
    const account = await cluster.account('weir-tls', documentedRights());
    await cluster.apply(OBJECTS);
    await cluster.kubectl(['create', 'secret', 'tls', 'cert', `--cert=${issued.certificate}`, `--key=${issued.privateKey}`]);
    const free = ['--push-address', '--metrics-address', '--admin-address'].flatMap((flag) => [flag, '127.0.0.1:0']);
    controller = new Child(['controller', '--kubeconfig', account.kubeconfig, '--namespace', 'default', ...free]);
  }, BUILD_DEADLINE_MS);

  afterAll(async () => {
    await controller?.stop();
    await cluster?.stop();
    await ca?.remove();
  });

  /** Resolves once the conditions have (or, with reason '', lack) the one of that type. */
  function until(kind: string, name: string, pick: (status: Status) => readonly Condition[] | undefined, wanted: Condition): Promise<void> {
    return cluster.until(`${name} ${wanted.type} ${wanted.reason}`, async () => {
      const { status = {} } = (await cluster.object(kind, name)) as { status?: Status };
      const found = pick(status)?.find(({ type }) => type === wanted.type);
      if (wanted.reason === '') return pick(status) !== undefined && found === undefined;
      return found?.status === wanted.status && found.reason === wanted.reason;
    });
  }

  const ofListener = ({ listeners }: Status) => listeners?.[0]?.conditions;
  const ofGateway = ({ conditions }: Status) => conditions;
  const ofAncestor = ({ ancestors }: Status) => ancestors?.find(({ ancestorRef }) => ancestorRef.name === 'web')?.conditions;
  const configMap = (name: string) => cluster.kubectl(['create', 'configmap', name, `--from-file=ca.crt=${ca.certificate}`]);

  test('a listener waits for the authorities of its clients, and a Gateway tells of insecure validation', async () => {
    await cluster.apply(gateway('AllowInsecureFallback'));
    await until('gateway', 'web', ofListener, { type: 'Accepted', status: 'False', reason: 'NoValidCACertificate' });
    await until('gateway', 'web', ofListener, { type: 'ResolvedRefs', status: 'False', reason: 'InvalidCACertificateRef' });
    await until('gateway', 'web', ofGateway, { type: 'InsecureFrontendValidationMode', status: 'True', reason: 'ConfigurationChanged' });
    await configMap('clients');
    await until('gateway', 'web', ofListener, { type: 'Accepted', status: 'True', reason: 'Accepted' });
    await cluster.apply(gateway('AllowValidOnly'));
    await until('gateway', 'web', ofGateway, { type: 'InsecureFrontendValidationMode', status: '', reason: '' });
  });

  test('a BackendTLSPolicy has a status for the Gateway, and loses to an older one', async () => {
    await cluster.apply(policy('first'));
    await until('backendtlspolicy', 'first', ofAncestor, { type: 'Accepted', status: 'False', reason: 'NoValidCACertificate' });
    await configMap('backends');
    await until('backendtlspolicy', 'first', ofAncestor, { type: 'Accepted', status: 'True', reason: 'Accepted' });
    await cluster.apply(policy('second'));
    await until('backendtlspolicy', 'second', ofAncestor, { type: 'Accepted', status: 'False', reason: 'Conflicted' });
    await cluster.kubectl(['delete', 'backendtlspolicy', 'first']);
    await until('backendtlspolicy', 'second', ofAncestor, { type: 'Accepted', status: 'True', reason: 'Accepted' });
  });
});
