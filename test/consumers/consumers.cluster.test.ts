// Consumers in a cluster: the rules of the CRD, and `weir consumer`.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { storedApiKey } from '#lib/api-key.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { runWeir } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';

// The first run on a machine builds the parts.
const BUILD_DEADLINE_MS = 15 * 60_000;

interface Stored {
  readonly spec: { readonly disabled: boolean; readonly credentials: readonly Credential[] };
}

interface Credential {
  readonly apiKey: { readonly secretRef: { readonly name: string } };
  readonly expires?: string;
}

describeWith(['cluster'], 'Consumers in a cluster', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ channel: 'standard' });
  }, BUILD_DEADLINE_MS);
  afterAll(() => cluster?.stop());

  const run = (...args: readonly string[]) => runWeir(['consumer', ...args, '--kubeconfig', cluster.kubeconfig]);
  const stored = async (name: string): Promise<Stored['spec']> => ((await cluster.object('consumer', name)) as unknown as Stored).spec;
  /** What the Secret of a credential has. */
  const valueOf = async ({ apiKey }: Credential): Promise<string> => {
    const secret = (await cluster.object('secret', apiKey.secretRef.name)) as unknown as { data: { key: string } };
    return Buffer.from(secret.data.key, 'base64').toString();
  };

  test.each([
    ['no credential', {}, 'must set exactly one of apiKey, basic, hmac, jwt, certificate, publicKey'],
    ['two names', { certificate: { uri: 'a', dnsName: 'b' } }, 'must set exactly one of subject, dnsName, uri, fingerprint'],
    ['a time without zone', { jwt: { issuer: 'i', value: 'v' }, expires: '2027-01-01T00:00:00' }, 'spec.credentials[0].expires'],
  ])('the API server refuses %s', async (_, credential, reason) => {
    const object = {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'Consumer',
      metadata: { name: 'wrong' },
      spec: { credentials: [credential] },
    };
    await expect(cluster.apply(JSON.stringify(object))).rejects.toThrow(reason);
  });

  test('a Consumer is created, rotated and revoked; its Secrets have digests', async () => {
    const first = (await run('create', 'alice', '--plan', 'gold')).stdout.trim();
    const second = (await run('rotate', 'alice', '--overlap', '1h')).stdout.trim();
    const { credentials } = await stored('alice');
    expect(await Promise.all(credentials.map(valueOf))).toEqual([first, second].map(storedApiKey));
    expect(credentials.map(({ expires }) => expires !== undefined)).toEqual([true, false]);

    const name = credentials[0]?.apiKey.secretRef.name ?? '';
    expect(await run('revoke', 'alice', name)).toMatchObject({ code: 0 });
    expect((await stored('alice')).credentials).toHaveLength(1);
    expect(await cluster.kubectl(['get', 'secret', '-o', 'name'])).not.toContain(name);

    expect(await run('revoke', 'alice')).toMatchObject({ code: 0 });
    expect((await stored('alice')).disabled).toBe(true);
    expect((await run('list')).stdout).toMatch(/^alice\s+disabled\s+gold\s+-\s+1\s*$/m);
  });

  test('kubectl lists Consumers by their short name', async () => {
    await run('create', 'bob', '--plan', 'silver');
    expect(await cluster.kubectl(['get', 'wco', 'bob'])).toMatch(
      /^NAME\s+PLAN\s+GROUPS\s+DISABLED\s+EXPIRES\s+RESOLVED\s+AGE\s+bob\s+silver\s/,
    );
  });

  test('a missing Consumer and an existing one are mistakes', async () => {
    await run('create', 'carol');
    expect(await run('create', 'carol')).toMatchObject({ code: 2, stderr: expect.stringContaining('Consumer/default/carol exists') });
    expect(await run('rotate', 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Consumer/default/nobody does not exist'),
    });
  });
});
