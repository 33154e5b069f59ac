// A cluster before the installation of Weir: the CRDs of the Gateway API, nodes with the images of the chart, and Helm.
import path from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Image } from '../cluster/node/settings.ts';
import { Helm } from './helm.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const WEIR: Image = { entrypoint: [process.execPath, path.join(ROOT, 'cli', 'weir.ts')] };

/** Programs for the images of Weir's chart and guides. */
const IMAGES: Readonly<Record<string, Image>> = { 'weir-controller:0.1.0': WEIR, 'weir-proxy:0.1.0': WEIR };

export interface BareCluster {
  readonly cluster: Cluster;
  readonly helm: Helm;
  stop(): Promise<void>;
}

/** With two nodes; `images`: additional images of the test. */
export async function startBareCluster(images: Readonly<Record<string, Image>>): Promise<BareCluster> {
  const nodes = { nodes: [{ name: 'node-1' }, { name: 'node-2' }], images: { ...IMAGES, ...images } };
  const cluster = await startCluster({ nodes, weirCrds: false });
  const helm = new Helm(cluster.kubeconfig);
  const stop = async () => {
    helm.remove();
    await cluster.stop();
  };
  return { cluster, helm, stop };
}
