// Runs the guides for a cluster one after the other: each starts from the cluster that the guide before it left.
import { afterAll, beforeAll } from '@jest/globals';
import path from 'node:path';
import { toolPath } from '../cluster/tools.ts';
import { remediesFor } from '../support/requirements.ts';
import type { RequirementName } from '../support/requirements.ts';
import { startBareCluster } from '../helm/bare-cluster.ts';
import type { BareCluster } from '../helm/bare-cluster.ts';
import { HELM } from '../helm/helm.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { describeGuide } from '../support/guide.ts';
import { GRPCURL } from './grpcurl.ts';

const NEEDS: readonly RequirementName[] = ['cluster', 'root', 'ip', 'nft', 'conntrack', 'go'];
/** The Node image stands for this machine's files; Pods name the program to run. */
const IMAGES = { 'node:26-trixie-slim': {} };

let bare: BareCluster | undefined;
beforeAll(async () => {
  if (remediesFor(NEEDS).length > 0) return;
  buildGoTool(GRPCURL);
  bare = await startBareCluster(IMAGES);
}, 900_000);
afterAll(() => bare?.stop());

function env(): NodeJS.ProcessEnv {
  const tools = [HELM.folder, GRPCURL.folder, path.dirname(toolPath('kubectl')), process.env['PATH'] ?? ''];
  return { ...bare?.helm.environment, PATH: tools.join(':') };
}

for (const page of ['install.md', 'first-route.md', 'grpc.md', 'tcp.md', 'upgrade.md', 'uninstall.md']) {
  describeGuide(page, NEEDS, { env, network: 'shared', checkout: ['charts'] });
}
