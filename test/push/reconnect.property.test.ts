// With real streams that are cut and delayed: finally a proxy holds exactly the cache, and never a route without its cluster.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EncodedResource } from '#api/ir/ir.ts';
import type { PushCache } from '../../controller/push/cache.ts';
import { PushWorld, RecordingTarget, cluster, idOf, route } from '../support/push.ts';
import { until } from '../support/until.ts';

const CLUSTERS = ['a', 'b', 'c', '__proto__'];
const ROUTES = ['p', 'q', 'r', 's', 'constructor'];

/** The desired state: the protocol of each cluster; the cluster of each route, and whether the proxy refuses it. */
const state = fc
  .record({
    clusters: fc.array(fc.constantFrom(...CLUSTERS), { minLength: 1, maxLength: 4 }),
    h2: fc.boolean(),
    routes: fc.array(fc.record({ key: fc.constantFrom(...ROUTES), to: fc.nat(), name: fc.constantFrom('x', 'y', 'refused') }), {
      maxLength: 5,
    }),
  })
  .map(({ clusters, h2, routes }) => [
    ...clusters.map((key) => cluster(key, h2 ? 'http2' : 'http1')),
    ...routes.map(({ key, to, name }) => route(key, clusters[to % clusters.length]!, name)),
  ]);

const step = fc.oneof(
  { weight: 6, arbitrary: state.map((resources) => ({ type: 'state', resources }) as const) },
  { weight: 2, arbitrary: fc.constant({ type: 'cut' } as const) },
  { weight: 2, arbitrary: fc.constantFrom({ type: 'block' } as const, { type: 'unblock' } as const) },
  { weight: 2, arbitrary: fc.constant({ type: 'turn' } as const) },
  { weight: 4, arbitrary: fc.constant({ type: 'settle' } as const) },
);

/** The delta from the cache; of several resources with one name the last counts. */
function become(cache: PushCache, resources: readonly EncodedResource[]): void {
  const wanted = new Map(resources.map((resource) => [idOf(resource), resource]));
  const changed = [...wanted].filter(([id, { version }]) => cache.get(id)?.version !== version).map(([, resource]) => resource);
  const removed = [...cache.resources()].filter((resource) => !wanted.has(idOf(resource))).map(({ kind, key }) => ({ kind, key }));
  cache.apply({ changed, removed });
}

/** Delays every apply while it is closed. */
class Gate {
  #shut: PromiseWithResolvers<void> | null = null;

  shut(): void {
    this.#shut ??= Promise.withResolvers();
  }

  open(): void {
    this.#shut?.resolve();
    this.#shut = null;
  }

  pass(): Promise<void> {
    return this.#shut?.promise ?? Promise.resolve();
  }
}

/** A target that records each route that it held without its cluster. */
function makeTarget(gate: Gate): { readonly target: RecordingTarget; readonly broken: string[] } {
  const target = new RecordingTarget();
  const broken: string[] = [];
  target.gate = () => gate.pass();
  target.applied = () => {
    for (const [id, resource] of target.held) {
      if (resource.kind !== 'Route') continue;
      const key = resource.backends[0]!.cluster;
      if (!target.held.has(`Cluster|${key}`)) broken.push(`${id} lacks ${key}`);
    }
  };
  return { target, broken };
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function play(
  world: PushWorld,
  steps: readonly Step[],
  gate: Gate,
  outside: { cut(): void; settled(): Promise<void> },
): Promise<void> {
  for (const each of steps) {
    if (each.type === 'state') become(world.cache, each.resources);
    else if (each.type === 'cut') outside.cut();
    else if (each.type === 'block') gate.shut();
    else if (each.type === 'unblock') gate.open();
    else if (each.type === 'turn') await new Promise(setImmediate);
    else {
      gate.open();
      await outside.settled();
    }
  }
}

async function run(steps: readonly Step[], last: readonly EncodedResource[], refuses: boolean): Promise<number> {
  const world = new PushWorld();
  const gate = new Gate();
  const { target, broken } = makeTarget(gate);
  if (refuses) target.refuse = (resource) => (resource.kind === 'Route' && resource.ruleName === 'refused' ? 'is refused' : null);
  try {
    become(world.cache, []);
    const { server, port } = await world.serve({ limits: { step: { bytes: 600, resources: 2 }, inFlight: 2 } });
    const { relay, port: front } = await world.relay(port);
    world.subscribe(front, {}, target);
    const idle = (): boolean => {
      const at = server.sessions().at(-1);
      return at?.phase === 'live' && at.waiting === 0 && at.sentNonce === at.ackedNonce;
    };
    const settled = (): Promise<void> => until(idle, 'an idle session');
    await play(world, steps, gate, { cut: () => relay.cut(), settled });
    // With nothing to refuse at the end, the expected content is exact.
    const served = last.map((resource) => (resource.kind === 'Route' ? route(resource.key, clusterOf(resource), 'x') : resource));
    become(world.cache, served);
    gate.open();
    await settled();
    expect(target.held).toEqual(new Map([...world.cache.resources()].map((one) => [idOf(one), JSON.parse(one.body.toString())])));
    expect(server.sessions().at(-1)?.nacks).toEqual([]);
    // The version before a refused one stays in use although its references may be removed: the order promises nothing then.
    if (!refuses) expect(broken).toEqual([]);
    return target.steps.length;
  } finally {
    gate.open();
    await world.close();
  }
}

test('the proxy ends with exactly the cache', async () => {
  let pushes = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), state, fc.boolean(), async (steps, last, refuses) => {
    pushes += await run(steps, last, refuses);
  });
  await fc.assert(property, { numRuns: 150 });
  // If all changes merged into one push, the test would show nothing.
  expect(pushes).toBeGreaterThan(150 * 4);
}, 120_000);

function clusterOf(resource: EncodedResource): string {
  const { backends } = JSON.parse(resource.body.toString()) as { readonly backends: readonly { readonly cluster: string }[] };
  return backends[0]!.cluster;
}
