// The objects that get an Event about an unusable Secret: those that refer to it, in any order of arrival.
import { describe, expect, test } from '@jest/globals';
import { encodeResource, formatListenerKey } from '#api/ir/ir.ts';
import type { EncodedResource } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import { referencesOf } from '../push/references.ts';
import { PairEvents } from './pair-events.ts';

const BROKEN = 'holds nothing';

function secret(name: string, problem?: string, certificate = 'a certificate'): EncodedResource {
  const told = problem === undefined ? {} : { problem };
  return encodeResource({ kind: 'Secret', key: `infra/${name}`, certificate, privateKey: certificate, ...told });
}

function listener(gateway: string, name: string, secretName: string, set: string | null = null): EncodedResource {
  const listenerSet = set === null ? null : { namespace: 'apps', name: set };
  const key = formatListenerKey({ gateway: { namespace: 'infra', name: gateway }, listenerSet, listener: name });
  return encodeResource({
    ...{ kind: 'Listener', key, gateway: `infra/${gateway}`, addresses: [], port: 443, protocol: 'HTTPS', hostname: '' },
    tls: { mode: 'Terminate', certificates: [`infra/${secretName}`] },
  });
}

/** The Events of changes, one after the other. */
class World {
  readonly #resources = new Map<string, EncodedResource>();
  readonly events = new PairEvents({
    resources: () => this.#resources.values(),
    needsOf: (resource) => referencesOf(resource).needs,
  });

  change(...changed: EncodedResource[]): string[] {
    for (const resource of changed) this.#resources.set(`${resource.kind} ${resource.key}`, resource);
    return this.events.changed({ changed, removed: [] }).map(({ ref, note }) => `${objectId(ref)}: ${note}`);
  }
}

describe('the Event about an unusable Secret', () => {
  test('is on each Gateway and ListenerSet that refers to it, once', () => {
    const world = new World();
    const listeners = [listener('one', 'a', 'x'), listener('one', 'b', 'x'), listener('two', 'a', 'x', 'set'), listener('three', 'a', 'y')];
    expect(world.change(...listeners, secret('x'), secret('y'))).toEqual([]);
    expect(world.change(secret('x', BROKEN))).toEqual([
      `Gateway/infra/one: Secret/infra/x ${BROKEN}`,
      `ListenerSet/apps/set: Secret/infra/x ${BROKEN}`,
    ]);
    expect(world.change(secret('y'))).toEqual([]);
  });

  test('names the consequence if there is no earlier pair', () => {
    const world = new World();
    expect(world.change(listener('one', 'a', 'x'), secret('x', BROKEN, ''))).toEqual([
      `Gateway/infra/one: Secret/infra/x ${BROKEN}; proxies that hold an earlier pair keep it in use, others refuse its host names`,
    ]);
  });

  test('is written for an object that refers to the Secret later', () => {
    const world = new World();
    world.change(listener('one', 'a', 'x'), secret('x', BROKEN));
    expect(world.change(listener('two', 'a', 'x'))).toEqual([`Gateway/infra/two: Secret/infra/x ${BROKEN}`]);
    world.change(secret('x'));
    expect(world.change(listener('three', 'a', 'x'))).toEqual([]);
  });

  test('is written again by a new leader, as long as the problem lasts', () => {
    const world = new World();
    world.change(listener('one', 'a', 'x'), secret('x', BROKEN));
    expect(world.events.all()).toHaveLength(1);
    world.events.changed({ changed: [], removed: [{ kind: 'Secret', key: 'infra/x' }] });
    expect(world.events.all()).toEqual([]);
  });
});
