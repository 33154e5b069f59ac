// Backends that are replaced, evicted and lost, under constant traffic, with default settings.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/describe-with.ts';
import type { TrafficResult } from '../support/traffic.ts';
import { COPIES, Zones } from './zones.ts';

const DEADLINE_MS = 600_000;
/** How long patient backends serve after SIGTERM. */
const PATIENT_MS = 4_000;

describeWith(['cluster', 'root', 'ip', 'nft', 'conntrack'], 'under constant traffic', () => {
  let zones: Zones;

  beforeAll(async () => {
    zones = await Zones.start(PATIENT_MS);
  }, DEADLINE_MS);

  afterAll(() => zones?.stop());

  test(
    'backends that serve on while they terminate are replaced',
    async () => {
      unharmed(await zones.traffic(() => zones.update(0)));
    },
    DEADLINE_MS,
  );

  test(
    'backends that end at once are replaced',
    async () => {
      unharmed(await zones.traffic(() => zones.update(PATIENT_MS)));
    },
    DEADLINE_MS,
  );

  test(
    'a node is drained',
    async () => {
      expect(await zones.pods('east-2')).not.toEqual([]);
      unharmed(await zones.traffic(() => zones.drain('east-2')));
      expect(await zones.pods('east-2')).toEqual([]);
      await zones.uncordon('east-2');
    },
    DEADLINE_MS,
  );

  test(
    'a zone is lost',
    async () => {
      const { failures, byFlow } = await zones.traffic(async (enter) => {
        enter('losing the zone');
        const lost = await zones.lose('west-1');
        expect(lost).not.toEqual([]);
        enter('waiting for Kubernetes');
        await zones.noticed(lost);
        enter('without the zone');
      });
      // The calls under way at the moment of the loss: nothing tells whether a vanished pod has acted on them. Each flow has one.
      const calls = failures.filter(({ flow }) => flow.startsWith('grpc'));
      unharmed({ byFlow, failures: failures.filter((failure) => !calls.includes(failure)) });
      expect(calls.length).toBeLessThanOrEqual(COPIES);
    },
    DEADLINE_MS,
  );
});

/** Checks that every kind of traffic has had answers, and none failed. */
function unharmed({ byFlow, failures }: Pick<TrafficResult, 'byFlow' | 'failures'>): void {
  expect(failures).toEqual([]);
  for (const count of Object.values(byFlow)) expect(count).toBeGreaterThan(20);
}
