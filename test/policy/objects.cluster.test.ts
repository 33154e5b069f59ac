// Policies in a cluster: validation by the API server, and the statuses from a controller with its documented rights.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import path from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { CRD_FOLDER } from '../cluster/tools.ts';
import { ControlPlane } from '../support/control-plane.ts';
import type { Ancestor } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';

const X_GROUP = 'gateway.networking.x-k8s.io';
const BUILD_DEADLINE_MS = 600_000;

const GATEWAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default, labels: { tier: public } }
spec: { gatewayClassName: weir, listeners: [{ name: http, port: 8080, protocol: HTTP }] }
`;

const EDGE = [{ kind: 'Gateway', name: 'edge' }];

function policy(name: string, spec: object, kind = 'ClientTrafficPolicy'): string {
  return JSON.stringify({ apiVersion: 'gateway.weir.dev/v1alpha1', kind, metadata: { name }, spec });
}

describeWith(['cluster'], 'policies in a cluster', () => {
  let weir: ControlPlane;
  let cluster: Cluster;

  beforeAll(async () => {
    weir = await ControlPlane.start((bare) => bare.apply(GATEWAY));
    ({ cluster } = weir);
  }, BUILD_DEADLINE_MS);

  afterAll(() => weir?.stop());

  async function ancestors(name: string): Promise<readonly Ancestor[]> {
    return (await weir.status('clienttrafficpolicy', name)).ancestors ?? [];
  }

  /** Resolves once the first ancestor has this condition. */
  function accepted(name: string, status: string, reason: string): Promise<void> {
    return weir.until('clienttrafficpolicy', name, (told) => told.ancestors?.[0]?.conditions, { type: 'Accepted', status, reason });
  }

  test.each([
    ['a target of another kind', { targetRefs: [{ kind: 'HTTPRoute', name: 'a' }] }, 'must be a Gateway'],
    ['a selector of another kind', { targetSelectors: [{ kind: 'Service', group: '' }] }, 'must be a Gateway'],
    ['no target', { timeouts: { idle: '1s' } }, 'targetRefs and targetSelectors must not both be empty'],
    ['an unknown field', { targetRefs: EDGE, timeouts: { idel: '1s' } }, '.spec.timeouts.idel: field not declared'],
    ['no name of a header', { targetRefs: EDGE, clientIP: { header: 'X-Client IP' } }, 'spec.clientIP.header'],
    ['more hops than a request can come through', { targetRefs: EDGE, clientIP: { trustedHops: 33 } }, 'spec.clientIP.trustedHops'],
    ['no duration', { targetRefs: EDGE, timeouts: { idle: 'soon' } }, 'spec.timeouts.idle'],
    ['no size', { targetRefs: EDGE, limits: { requestBody: 'much' } }, 'spec.limits.requestBody'],
    ['too small a size as text', { targetRefs: EDGE, http2: { streamWindow: '1Ki' } }, 'must be at least 65535 bytes'],
    ['too large a size as number', { targetRefs: EDGE, limits: { headerBytes: 2_000_000 } }, 'must be at most 1048576 bytes'],
  ])('the API server refuses %s', async (_, spec, reason) => {
    await expect(cluster.apply(policy('wrong', spec))).rejects.toThrow(reason);
  });

  test.each([
    [
      'a section of what has none',
      { targetRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'b', sectionName: 'x' }] },
      'has no sections',
    ],
    [
      'a kind of another group',
      { targetRefs: [{ kind: 'Service', name: 's' }] },
      'must be a Gateway, ListenerSet, HTTPRoute, GRPCRoute, TCPRoute, TLSRoute, Service or Backend',
    ],
    ['a status that is none', { targetRefs: EDGE, retry: { codes: [200] } }, 'spec.retry.codes[0]'],
  ])('the API server refuses a BackendTrafficPolicy with %s', async (_, spec, reason) => {
    await expect(cluster.apply(policy('wrong', spec, 'BackendTrafficPolicy'))).rejects.toThrow(reason);
  });

  test('the status of a policy for a Service lists the Gateways that lead to it', async () => {
    const port = { name: 'http', port: 80 };
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { clusterIP: 'None', ports: [port] } };
    const rule = { backendRefs: [{ name: 'web', port: 80 }] };
    const spec = { parentRefs: [{ name: 'edge' }], rules: [rule] };
    await cluster.apply(JSON.stringify(service));
    await cluster.apply(
      policy('web', { targetRefs: [{ group: '', kind: 'Service', name: 'web', sectionName: 'http' }] }, 'BackendTrafficPolicy'),
    );
    await cluster.apply(JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'web' }, spec }));
    const told = async (): Promise<string> => JSON.stringify(await weir.status('btp', 'web'));
    await cluster.until('the ancestor', async () => (await told()).includes('"name":"edge"'));
    expect(await told()).toContain('"reason":"Accepted"');
  });

  test('a policy is accepted, a later one conflicts, and replaces the first when that is deleted', async () => {
    await cluster.apply(policy('first', { targetRefs: EDGE, limits: { requestBody: '1Mi', headerBytes: 65536 } }));
    await accepted('first', 'True', 'Accepted');
    const [entry] = await ancestors('first');
    expect(entry).toMatchObject({
      ancestorRef: { kind: 'Gateway', namespace: 'default', name: 'edge' },
      controllerName: 'gateway.weir.dev/controller',
    });
    await cluster.apply(policy('second', { targetSelectors: [{ kind: 'Gateway', matchLabels: { tier: 'public' } }] }));
    // Objects created in the same second are ordered by name.
    await accepted('second', 'False', 'Conflicted');
    await cluster.remove('clienttrafficpolicy', 'first');
    await accepted('second', 'True', 'Accepted');
  });

  test('a changed label takes effect, and the status entry of a policy without targets is removed', async () => {
    await cluster.patch('gateway', 'edge', { metadata: { labels: { tier: 'private' } } });
    await cluster.until('no ancestors', async () => (await ancestors('second')).length === 0);
  });

  test('an XBackendTrafficPolicy of the Gateway API has a status, which names its settings without effect', async () => {
    // The standard channel lacks the kind: the controller notices that it comes.
    await cluster.kubectl([
      'apply',
      '--server-side',
      '-f',
      path.join(CRD_FOLDER, 'experimental', `${X_GROUP}_xbackendtrafficpolicies.yaml`),
    ]);
    const served = async () => (await cluster.get(`/apis/${X_GROUP}/v1alpha1/xbackendtrafficpolicies`)).status === 200;
    await cluster.until('the kind', served);
    await cluster.apply(`
apiVersion: gateway.weir.dev/v1alpha1
kind: Backend
metadata: { name: retried, namespace: default }
spec: { endpoints: [{ ip: 192.0.2.1, port: 80 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: retried, namespace: default }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: retried }] }] }
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: { name: retried, namespace: default }
spec:
  targetRefs: [{ group: gateway.weir.dev, kind: Backend, name: retried }]
  retryConstraint: { budget: { percent: 10 } }
  sessionPersistence: { sessionName: id }
`);
    const condition = (type: string, status: string, reason: string) =>
      weir.until('xbackendtrafficpolicy', 'retried', (told) => told.ancestors?.[0]?.conditions, { type, status, reason });
    await condition('Accepted', 'True', 'Accepted');
  });

  test('a missing target is reported', async () => {
    await cluster.apply(policy('lost', { targetRefs: [{ kind: 'Gateway', name: 'edge', sectionName: 'none' }] }));
    await accepted('lost', 'False', 'TargetNotFound');
  });

  test('has columns, a short name and a category, and explains itself', async () => {
    await cluster.apply(policy('listed', { targetRefs: [{ kind: 'Gateway', name: 'nowhere' }] }));
    await accepted('listed', 'False', 'TargetNotFound');
    expect(await cluster.kubectl(['get', 'ctp', 'listed'])).toMatch(
      /^NAME\s+KIND\s+TARGET\s+ACCEPTED\s+AGE\s+listed\s+Gateway\s+nowhere\s+False\s/,
    );
    expect(await cluster.kubectl(['get', 'weir', '-o', 'name'])).toContain('clienttrafficpolicy.gateway.weir.dev/listed');
    const explain = () => cluster.kubectl(['explain', 'clienttrafficpolicy.spec.timeouts']);
    await cluster.until('the schema', async () => (await explain()).includes('requestHead'));
    expect(await explain()).toContain('from its first byte to its last');
  });
});
