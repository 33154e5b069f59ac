// TLS in a cluster: validation by the API server, and the statuses from a controller with its documented rights.
import { afterAll, beforeAll, test } from '@jest/globals';
import type { Cluster } from '../cluster/cluster.ts';
import { TestCa } from '../support/certificates.ts';
import { ControlPlane } from '../support/control-plane.ts';
import type { Status } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';

const BUILD_DEADLINE_MS = 600_000;

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
  let weir: ControlPlane;
  let cluster: Cluster;
  let ca: TestCa;

  beforeAll(async () => {
    ca = await TestCa.create();
    const { certificate, privateKey } = await ca.issue('web', 'DNS:web.test');
    weir = await ControlPlane.start(async (bare) => {
      await bare.apply(OBJECTS);
      await bare.kubectl(['create', 'secret', 'tls', 'cert', `--cert=${certificate}`, `--key=${privateKey}`]);
    });
    ({ cluster } = weir);
  }, BUILD_DEADLINE_MS);

  afterAll(async () => {
    await weir?.stop();
    await ca?.remove();
  });

  const ofListener = ({ listeners }: Status) => listeners?.[0]?.conditions;
  const ofGateway = ({ conditions }: Status) => conditions;
  const ofAncestor = ({ ancestors }: Status) => ancestors?.find(({ ancestorRef }) => ancestorRef.name === 'web')?.conditions;
  const configMap = (name: string) => cluster.kubectl(['create', 'configmap', name, `--from-file=ca.crt=${ca.certificate}`]);

  test('a listener waits for the CAs of its clients, and a Gateway reports insecure validation', async () => {
    await cluster.apply(gateway('AllowInsecureFallback'));
    await weir.until('gateway', 'web', ofListener, { type: 'Accepted', status: 'False', reason: 'NoValidCACertificate' });
    await weir.until('gateway', 'web', ofListener, { type: 'ResolvedRefs', status: 'False', reason: 'InvalidCACertificateRef' });
    await weir.until('gateway', 'web', ofGateway, {
      type: 'InsecureFrontendValidationMode',
      status: 'True',
      reason: 'ConfigurationChanged',
    });
    await configMap('clients');
    await weir.until('gateway', 'web', ofListener, { type: 'Accepted', status: 'True', reason: 'Accepted' });
    await cluster.apply(gateway('AllowValidOnly'));
    await weir.until('gateway', 'web', ofGateway, { type: 'InsecureFrontendValidationMode', status: '', reason: '' });
  });

  test('a BackendTLSPolicy has a status for the Gateway, and loses to an older one', async () => {
    await cluster.apply(policy('first'));
    await weir.until('backendtlspolicy', 'first', ofAncestor, { type: 'Accepted', status: 'False', reason: 'NoValidCACertificate' });
    await configMap('backends');
    await weir.until('backendtlspolicy', 'first', ofAncestor, { type: 'Accepted', status: 'True', reason: 'Accepted' });
    await cluster.apply(policy('second'));
    await weir.until('backendtlspolicy', 'second', ofAncestor, { type: 'Accepted', status: 'False', reason: 'Conflicted' });
    await cluster.remove('backendtlspolicy', 'first');
    await weir.until('backendtlspolicy', 'second', ofAncestor, { type: 'Accepted', status: 'True', reason: 'Accepted' });
  });
});
