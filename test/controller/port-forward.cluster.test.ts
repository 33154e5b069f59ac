// `weir endpoints --namespace`: reaches a controller in a Pod through the API server.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { runWeir } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { installControllers, processOf, WEIR, WEIR_IMAGE } from '../support/pods.ts';

const START_DEADLINE_MS = 180_000;
/** Whether the file of SQLite in a Pod, or what is still to be copied into it, has the text. */
function hasStored(pod: string, text: string): boolean {
  const files = ['', '-wal'].map((end) => `/proc/${processOf(pod)}/root/tmp/store.sqlite${end}`);
  return files.some((file) => existsSync(file) && readFileSync(file).includes(text));
}

/** The rights that the documentation names. */
const RIGHTS = [
  { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
  { apiGroups: [''], resources: ['pods/portforward'], verbs: ['create', 'get'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['list'] },
];

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack'], 'weir endpoints through the API server', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ nodes: { images: { [WEIR_IMAGE]: WEIR } } });
    await installControllers(cluster, 2, { store: '/tmp/store.sqlite' });
    await cluster.kubectl(['rollout', 'status', 'deployment/controller', '--timeout=120s']);
  }, START_DEADLINE_MS);
  afterAll(() => cluster.stop());

  const weir = (kubeconfig: string, ...args: readonly string[]) =>
    runWeir(['endpoints', ...args, '--kubeconfig', kubeconfig, '--namespace', 'default']);

  test('adds and lists endpoints with the documented rights, at the leader', async () => {
    const { kubeconfig } = await cluster.account('operator', RIGHTS, 'default');
    const added = await weir(kubeconfig, 'add', 'app', '10.0.0.1:80');
    expect([added.code, added.stdout]).toEqual([0, 'added 10.0.0.1:80\n']);
    // Each controller has a file of its own.
    const { spec } = (await cluster.object('lease', 'weir-controller')) as { spec: { holderIdentity?: string } };
    const pods = (await cluster.list<{ readonly metadata: { readonly name: string } }>('pod')).map(({ metadata }) => metadata.name);
    const used = pods.filter((pod) => hasStored(pod, '10.0.0.1'));
    expect(used).toEqual(pods.filter((pod) => spec.holderIdentity?.startsWith(`${pod}-`) === true));
    expect((await weir(kubeconfig, 'list')).stdout).toContain('default/app   10.0.0.1:80');
    const refused = await weir(kubeconfig, 'add', 'app', '127.0.0.1:80');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('is a loopback address')]);
  });

  test('names the missing right, and the namespace without a controller', async () => {
    const { kubeconfig } = await cluster.account('stranger', [], 'default');
    const refused = await weir(kubeconfig, 'list');
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/the controllers in namespace default cannot be found: pods is forbidden/),
    ]);
    const { kubeconfig: lister } = await cluster.account('lister', RIGHTS.slice(0, 1), 'default');
    const unforwarded = await weir(lister, 'list');
    expect([unforwarded.code, unforwarded.stderr]).toEqual([2, expect.stringContaining('port 9081 cannot be forwarded')]);
    const elsewhere = await runWeir(['endpoints', 'list', '--kubeconfig', cluster.kubeconfig, '--namespace', 'kube-system']);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([
      2,
      expect.stringContaining('namespace kube-system has no ready Pod with the labels'),
    ]);
  });
});
