// Candidates for a Lease of a real API server, and one that loses its API server.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createLog } from '#lib/log.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { FaultServer, sendJson } from '../support/fault-server.ts';
import { until } from '../support/until.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';
import { LeaseElection } from '../../controller/leader/lease.ts';
import type { LeaseTimes } from '../../controller/leader/lease.ts';

const TIMES: LeaseTimes = { duration: 1_000, renewDeadline: 600, retry: 100 };
/** Times for a holder that must not lose its Lease because of one slow answer. */
const PATIENT: LeaseTimes = { duration: 60_000, renewDeadline: 50_000, retry: 100 };
/** Two seconds between the end of one leader and the start of the next: this process may be suspended for as long. */
const APART: LeaseTimes = { duration: 3_000, renewDeadline: 1_000, retry: 100 };
const LOG = createLog('silent');
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

let cluster: Cluster;
let client: ApiClient;
let lease = '';
let counter = 0;
const candidates: LeaseElection[] = [];
/** Every change of leadership in the order of events: `a+`, `a-`. */
const history: string[] = [];
/** By identity: the leader that each candidate follows. */
const followed = new Map<string, string | null>();

function candidate(identity: string, of: ApiClient = client, times = TIMES): LeaseElection {
  const changed = (leading: boolean) => void history.push(`${identity}${leading ? '+' : '-'}`);
  const names = { namespace: 'default', name: lease, identity };
  const reached = { address: () => `${identity}:9443`, followed: (leader: string | null) => void followed.set(identity, leader) };
  const election = new LeaseElection({ client: of, ...names, ...reached, times, log: LOG, changed });
  candidates.push(election);
  election.start();
  return election;
}

async function storedSpec(): Promise<Record<string, unknown>> {
  const stored = (await client.ask({ method: 'GET', path: `${LEASES}/${lease}` })) as { spec: Record<string, unknown> };
  return stored.spec;
}

beforeAll(async () => {
  cluster = await startCluster();
});

beforeEach(() => {
  client = new ApiClient(loadKubeConfig(cluster.kubeconfig));
  counter++;
  lease = `lease-${process.pid}-${counter}`;
  history.length = 0;
  followed.clear();
});

afterEach(async () => {
  await Promise.all(candidates.splice(0).map((election) => election.stop()));
  await client.call({ method: 'DELETE', path: `${LEASES}/${lease}` });
  await client.close();
});

afterAll(() => cluster.stop());

describeWith(['cluster'], 'LeaseElection', () => {
  test('one of two leads and renews; when it stops, the other leads at once', async () => {
    const a = candidate('a', client, PATIENT);
    await until(() => a.leads());
    const b = candidate('b', client, PATIENT);
    const { renewTime } = await storedSpec();
    await cluster.until('a renewal', async () => (await storedSpec())['renewTime'] !== renewTime);
    expect(b.leads()).toBe(false);
    await until(() => followed.get('b') === 'a:9443');
    const stopped = performance.now();
    await a.stop();
    expect((await storedSpec())['holderIdentity']).not.toBe('a');
    await until(() => b.leads());
    expect(performance.now() - stopped).toBeLessThan(PATIENT.duration);
    expect(history).toEqual(['a+', 'a-', 'b+']);
    await until(() => followed.get('b') === null);
    expect(followed.has('a')).toBe(false);
    expect(await storedSpec()).toMatchObject({ holderIdentity: 'b', leaseDurationSeconds: 60 });
  });

  test('a killed holder is replaced once its Lease has not changed for its duration on the local clock', async () => {
    // The clock of the killed holder is a day ahead: only the time without a change counts.
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: 'dead', leaseDurationSeconds: 1, acquireTime: tomorrow, renewTime: tomorrow, leaseTransitions: 3 };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: lease, namespace: 'default' }, spec };
    await client.ask({ method: 'POST', path: LEASES, body });
    const began = performance.now();
    const a = candidate('a');
    await until(() => a.leads());
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000);
    expect(await storedSpec()).toMatchObject({ holderIdentity: 'a', leaseTransitions: 4 });
  });

  test('two candidates never lead at once', async () => {
    const started = ['a', 'b', 'c'].map((identity) => candidate(identity));
    for (let rounds = 0; rounds < 2; rounds++) {
      await until(() => started.some((election) => election.leads()));
      await started.find((election) => election.leads())!.stop();
    }
    await until(() => started.some((election) => election.leads()));
    const leading = new Set<string>();
    for (const change of history) {
      if (change.endsWith('+')) leading.add(change[0]!);
      else leading.delete(change[0]!);
      expect(leading.size).toBeLessThanOrEqual(1);
    }
  });

  test('a leader that loses its API server stops leading before another can start', async () => {
    const server = new FaultServer();
    const lost = new ApiClient(await server.start());
    let answers = true;
    server.answer((_url, response, request) => {
      if (!answers) return; // neither answered nor hung up on
      if (request.method === 'GET') sendJson(response, 404, {});
      else sendJson(response, 201, { metadata: { resourceVersion: '1' }, spec: { holderIdentity: 'a' } });
    });
    try {
      const a = candidate('a', lost, APART);
      await until(() => a.leads(), 'a leader');
      answers = false;
      const began = performance.now();
      await until(() => !a.leads(), 'its end');
      expect(performance.now() - began).toBeLessThan(APART.duration);
      expect(history).toEqual(['a+', 'a-']);
    } finally {
      await lost.close();
      await server.stop();
    }
  });
});
