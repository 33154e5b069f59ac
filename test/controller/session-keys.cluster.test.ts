// Controllers that share the keys of sessions in a Secret of a real API server, with the documented rights.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLog } from '#lib/log.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { ManagedSecret } from '../../controller/authority/managed-secret.ts';
import { SessionKeySource } from '../../controller/authority/session-key-source.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';
import type { Change } from '../../controller/watch/event.ts';

const NAME = 'weir-sessions';
const RIGHTS = [{ apiGroups: [''], resources: ['secrets'], resourceNames: [NAME], verbs: ['get', 'update'] }];

let cluster: Cluster;
let client: ApiClient;

/** What a controller reports once an object needs the keys. */
async function reported(): Promise<readonly Change[]> {
  const changes: Change[] = [];
  const found = Promise.withResolvers<void>();
  const source = new SessionKeySource({ kept: new ManagedSecret(client, 'default', NAME), mayForget: false, log: createLog('silent') });
  const changed = (some: readonly Change[]): void => {
    changes.push(...some);
    found.resolve();
  };
  await source.start({ changed, synced: () => undefined, problems: () => undefined });
  void source.want({ SessionKeys: true });
  await found.promise;
  await source.stop();
  return changes;
}

beforeAll(async () => {
  cluster = await startCluster();
  client = new ApiClient(loadKubeConfig((await cluster.account('controller', RIGHTS)).kubeconfig));
  await cluster.kubectl(['create', 'secret', 'generic', NAME]);
});
afterAll(async () => {
  await client?.close();
  await cluster?.stop();
});

describeWith(['cluster'], 'the keys of sessions', () => {
  test('are the same for all controllers, also for later ones', async () => {
    const [one, two] = await Promise.all([reported(), reported()]);
    expect(one).toMatchObject([{ type: 'session keys', keys: [expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/)] }]);
    expect(two).toEqual(one);
    expect(await reported()).toEqual(one);
  });
});
