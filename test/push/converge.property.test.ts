// For any changes, slow proxies and broken streams, a proxy finally holds exactly the cache. Session and intake are real; the test delivers
// the serialised messages between them step by step.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as ir from '#api/ir/ir.ts';
import { DISCOVERY } from '#api/wire/discovery.ts';
import type { ProxyMessage, PushMessage } from '#api/wire/messages.ts';
import { PushCache } from '../../controller/push/cache.ts';
import type { ResourceDelta } from '../../controller/push/cache.ts';
import { Session } from '../../controller/push/session.ts';
import { Intake } from '../../proxy/subscribe/intake.ts';
import { OwnPairs } from '../../proxy/subscribe/own-pairs.ts';
import { HeldState } from '../../proxy/subscribe/state.ts';
import { LOG } from '../support/push.ts';
import { Journal, MemoryTarget, cluster, endpoints, invalidCluster, listener, route, versionsOf } from './rig.ts';

const wire = DISCOVERY['Subscribe']!;
const down = (push: PushMessage) => wire.responseDeserialize(wire.responseSerialize(push)) as PushMessage;
const up = (message: ProxyMessage) => wire.requestDeserialize(wire.requestSerialize(message)) as ProxyMessage;

/** One proxy and its current stream. */
class Pair {
  readonly cache = new PushCache();
  readonly target = new MemoryTarget();
  readonly journal = new Journal();
  readonly state = new HeldState();
  readonly #intake = new Intake({ state: this.state, pairs: new OwnPairs(this.state), target: this.target, log: LOG });
  #session: Session | null = null;
  #pushes: PushMessage[] = [];

  connect(): void {
    this.disconnect();
    const pushes: PushMessage[] = [];
    const session = new Session({
      ...{ id: 's', identity: null, address: '', scope: '', cacheOf: () => this.cache, observer: this.journal },
      limits: { inFlight: 2, step: { bytes: 600, resources: 3 } },
      send: (push) => pushes.push(down(push)),
      failed: (error) => {
        throw error;
      },
    });
    this.#pushes = pushes;
    this.#session = session;
    this.#say({ message: 'hello', hello: { nodeId: '', weirVersion: '' } });
    this.state.forgetSuperseded();
    this.#say({ message: 'inventory', inventory: { held: this.state.inventory(), last: true } });
  }

  disconnect(): void {
    this.#session?.close();
    this.#session = null;
    this.#pushes = [];
  }

  /** Takes the next push; its ack may be lost with the stream. */
  async takeOne(loseAck: boolean): Promise<void> {
    const push = this.#pushes.shift();
    if (push === undefined) return;
    const outcome = await this.#intake.take(push);
    if (loseAck) this.disconnect();
    else this.#say({ message: 'ack', ack: { nonce: push.nonce, ...outcome } });
  }

  async settle(): Promise<void> {
    this.connect();
    while (this.#pushes.length > 0) await this.takeOne(false);
    expect(this.#session?.state()).toMatchObject({ phase: 'live', waiting: 0 });
  }

  #say(message: ProxyMessage): void {
    const taken = this.#session?.receive(up(message));
    if (taken?.ok === false) throw new Error(taken.error.message);
  }
}

const makers = [
  (key: string, n: number) => ir.encodeResource(cluster(key, n % 2 === 0 ? 'http1' : 'tcp')),
  (key: string, n: number) => ir.encodeResource(endpoints(key, n + 1)),
  (key: string, n: number) => ir.encodeResource(listener(key, n + 1)),
  (key: string, n: number) => ir.encodeResource(route(key, String(n))),
  (key: string) => invalidCluster(key),
];
const keys = fc.constantFrom('a', 'b', '__proto__', 'constructor');
const change = fc.tuple(fc.constantFrom(...makers), keys, fc.nat(3)).map(([make, key, n]) => make(key, n));
const removal = fc.record({ kind: fc.constantFrom(...ir.KIND_ORDER), key: keys });

type Step = { readonly delta: ResourceDelta } | 'take' | 'take and lose the ack' | 'connect' | 'disconnect';

const delta = fc
  .tuple(fc.uniqueArray(change, { maxLength: 6, selector: idOf }), fc.uniqueArray(removal, { maxLength: 4, selector: idOf }))
  .map(([changed, removed]) => ({
    delta: { changed, removed: removed.filter((name) => !changed.some((resource) => idOf(resource) === idOf(name))) },
  }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: delta },
  { weight: 5, arbitrary: fc.constant<Step>('take') },
  fc.constantFrom<Step>('take and lose the ack', 'connect', 'disconnect'),
);

function idOf({ kind, key }: { readonly kind: ir.ResourceKind; readonly key: string }): string {
  return ir.resourceId(kind, key);
}

async function perform(pair: Pair, one: Step): Promise<void> {
  if (one === 'take') return pair.takeOne(false);
  if (one === 'take and lose the ack') return pair.takeOne(true);
  if (one === 'connect') return pair.connect();
  if (one === 'disconnect') return pair.disconnect();
  pair.cache.apply(one.delta);
}

/** Valid resources, by id; an invalid one may be served in an earlier version or not at all. */
function split(cache: PushCache): { readonly good: Record<string, string>; readonly bad: string[] } {
  const bad = [...cache.resources()].filter(({ body }) => body.includes('nonsense')).map(idOf);
  const good = Object.entries(versionsOf(cache)).filter(([id]) => !bad.includes(id));
  return { good: Object.fromEntries(good), bad };
}

test('a proxy finally holds exactly the cache', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const pair = new Pair();
      for (const one of steps) await perform(pair, one);
      pair.cache.apply({ changed: [], removed: [] });
      await pair.settle();
      const { good, bad } = split(pair.cache);
      const serving = Object.entries(pair.target.versions()).filter(([id]) => !bad.includes(id));
      expect(Object.fromEntries(serving)).toEqual(good);
      expect([...pair.journal.nacks.keys()].filter((id) => bad.includes(id)).sort()).toEqual(bad.sort());
      expect(
        pair.state
          .allRefused()
          .map(({ encoded }) => idOf(encoded))
          .sort(),
      ).toEqual(bad);
      const takenBefore = pair.target.steps.length;
      if (bad.length === 0) {
        await pair.settle();
        expect(pair.target.steps).toHaveLength(takenBefore);
      }
    }),
    { numRuns: 400 },
  );
});
