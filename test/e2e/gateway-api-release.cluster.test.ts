// A controller in a cluster with missing CRDs of the Gateway API, or of an unsupported release: it reports that, serves the rest, and
// finds CRDs that are installed later.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import path from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { CRD_FOLDER } from '../cluster/tools.ts';
import type { Child } from '../support/child.ts';
import { ControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { gatewayClass, listOf } from '../support/objects.ts';

const LISTENER_SETS = 'listenersets.gateway.networking.k8s.io';
const TCP_ROUTES = 'tcproutes.gateway.networking.k8s.io';
const DEADLINE_MS = 90_000;

const HTTP = { name: 'http', port: 8080, protocol: 'HTTP' };
const API = { apiVersion: 'gateway.networking.k8s.io/v1' };
const GATEWAY = {
  ...{ ...API, kind: 'Gateway', metadata: { name: 'edge' } },
  spec: { gatewayClassName: 'weir', allowedListeners: { namespaces: { from: 'Same' } }, listeners: [HTTP] },
};
const LISTENER_SET = {
  ...{ ...API, kind: 'ListenerSet', metadata: { name: 'more' } },
  spec: { parentRef: { name: 'edge' }, listeners: [{ ...HTTP, port: 8081 }] },
};

interface Status {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
  readonly supportedFeatures?: readonly { readonly name: string }[];
  readonly attachedListenerSets?: number;
}

describeWith(['cluster'], 'the CRDs of the Gateway API', () => {
  let weir: ControlPlane;
  let cluster: Cluster;
  let controller: Child;

  /** `True SupportedVersion: message` of a condition, and the rest of the status, once they are as expected. */
  async function statusWhen(kind: string, name: string, type: string, wanted: RegExp): Promise<Status> {
    let status: Status = {};
    await cluster.until(`${type} of ${kind}/${name}`, async () => {
      status = await weir.status<Status>(kind, name);
      const found = status.conditions?.find((condition) => condition.type === type);
      return found !== undefined && wanted.test(`${found.status} ${found.reason}: ${found.message}`);
    });
    return status;
  }

  const features = ({ supportedFeatures = [] }: Status) => supportedFeatures.map(({ name }) => name);

  beforeAll(async () => {
    weir = await ControlPlane.start(async (bare) => {
      await bare.remove('crd', LISTENER_SETS);
      await bare.apply(listOf(gatewayClass(), GATEWAY));
    });
    ({ cluster, controller } = weir);
  }, DEADLINE_MS);

  afterAll(() => weir?.stop(), DEADLINE_MS);

  test(
    'that are missing are named in the log with their release; the other kinds are served',
    async () => {
      await controller.printed(/does not know ListenerSet of gateway\.networking\.k8s\.io\/v1: install the CRDs of the Gateway API .*1\.5/);
      const status = await statusWhen(
        'gatewayclass',
        'weir',
        'SupportedVersion',
        /^True SupportedVersion: Gateway API v1\.6\.\d+ \(standard\) is installed/,
      );
      expect(features(status)).not.toContain('ListenerSet');
      await statusWhen('gateway', 'edge', 'Accepted', /^True/);
    },
    DEADLINE_MS,
  );

  test(
    'of an unsupported release are named in the status of the class',
    async () => {
      // This admission policy comes with the CRDs and prevents such installations.
      await cluster.kubectl(['delete', 'validatingadmissionpolicybinding', 'safe-upgrades.gateway.networking.k8s.io']);
      const annotate = ['annotate', '--overwrite', 'crd', TCP_ROUTES, 'gateway.networking.k8s.io/bundle-version=v1.4.0'];
      // The API server takes a moment to forget a policy.
      await cluster.until('another release', async () => (await cluster.kubectl(annotate)) !== '');
      await statusWhen('gatewayclass', 'weir', 'SupportedVersion', /^False UnsupportedVersion: .*: tcproutes of v1\.4\.0 \(standard\)$/);
      await statusWhen('gatewayclass', 'weir', 'Accepted', /^True/);
    },
    DEADLINE_MS,
  );

  test(
    'that are installed later are found',
    async () => {
      const file = (name: string) => path.join(CRD_FOLDER, 'standard', `gateway.networking.k8s.io_${name}.yaml`);
      await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', file('listenersets'), '-f', file('tcproutes')]);
      expect(features(await statusWhen('gatewayclass', 'weir', 'SupportedVersion', /^True/))).toContain('ListenerSet');
      await cluster.until('the kind', async () => (await cluster.get('/apis/gateway.networking.k8s.io/v1/listenersets')).status === 200);
      await controller.printed(/solved: /);
      await cluster.apply(listOf(LISTENER_SET));
      await statusWhen('listenerset', 'more', 'Accepted', /^True Accepted/);
      await statusWhen('listenerset', 'more', 'Programmed', /^False ParentNotProgrammed: /);
      await cluster.until('attachedListenerSets', async () => {
        const { status } = (await cluster.object('gateway', 'edge')) as { status?: Status };
        return status?.attachedListenerSets === 1;
      });
    },
    DEADLINE_MS,
  );
});
