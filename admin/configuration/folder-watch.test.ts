// What an observer of a folder is told: all objects, then changes by the API and by other programs.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ConfigurationObserver, ObservedObject } from './configuration-store.ts';
import { FolderStore } from './folder-store.ts';

/** Keeps what it is told, in order, until the test takes it. */
class Recorder implements ConfigurationObserver {
  readonly #told: (readonly string[])[] = [];
  #waiting: PromiseWithResolvers<void> = Promise.withResolvers();

  synced(objects: readonly ObservedObject[]): void {
    this.#keep('synced', objects);
  }

  changed(objects: readonly ObservedObject[]): void {
    this.#keep('changed', objects);
  }

  /** The next report: its kind, and `name team` of each object, without a team if it is gone. */
  async next(): Promise<readonly string[]> {
    while (this.#told.length === 0) await this.#waiting.promise;
    return this.#told.shift() ?? [];
  }

  #keep(kind: string, objects: readonly ObservedObject[]): void {
    this.#told.push([kind, ...objects.map(({ ref, stored }) => `${ref.name} ${teamOf(stored?.object)}`)]);
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers();
  }
}

function teamOf(object: unknown): string {
  const { metadata } = (object ?? {}) as { readonly metadata?: { readonly labels?: { readonly team?: string } } };
  return metadata?.labels?.team ?? 'gone';
}

const route = (name: string, team: string): string => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: shop, labels: { team: ${team} } }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ name: cart, port: 80 }] }] }
`;
const REF = { kind: 'HTTPRoute', namespace: 'shop', name: 'cart' };

let folder: string;
let store: FolderStore;
let recorder: Recorder;
let stop: () => Promise<void>;
const write = (name: string, text: string): Promise<void> => writeFile(path.join(folder, name), text);

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'weir-watch-'));
  store = new FolderStore(folder, { controllerName: 'gateway.weir.dev/controller' });
  recorder = new Recorder();
  await write('shop.yaml', [route('cart', 'a'), route('pay', 'a')].join('---\n'));
  stop = store.observe(recorder);
});
afterEach(async () => {
  await stop();
  await store.close();
  await rm(folder, { recursive: true });
});

test('all objects come first, and then each change of a file', async () => {
  expect(await recorder.next()).toEqual(['synced', 'cart a', 'pay a']);
  await write('shop.yaml', [route('cart', 'b'), route('pay', 'a')].join('---\n'));
  expect(await recorder.next()).toEqual(['changed', 'cart b', 'pay a']);
  await write('more.yaml', route('search', 'c'));
  expect(await recorder.next()).toEqual(['changed', 'search c']);
  await unlink(path.join(folder, 'more.yaml'));
  expect(await recorder.next()).toEqual(['changed', 'search gone']);
});

test('changes by the API come too', async () => {
  expect(await recorder.next()).toEqual(['synced', 'cart a', 'pay a']);
  const patch = { merge: { metadata: { labels: { team: 'b' } } } };
  expect(await store.apply({ ref: REF, operation: 'patch', patch, etag: null })).toMatchObject({ ok: true });
  expect(await recorder.next()).toEqual(['changed', 'cart b', 'pay a']);
});

test('an object that a mistake makes invalid stays as it is in force', async () => {
  expect(await recorder.next()).toEqual(['synced', 'cart a', 'pay a']);
  await write('shop.yaml', [route('cart', 'b').replace('rules: [', 'rules: 5, other: ['), route('pay', 'c')].join('---\n'));
  expect(await recorder.next()).toEqual(['changed', 'pay c']);
});
