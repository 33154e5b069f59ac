// Rotation of a listener's Secret to an unusable pair: the previous pair stays in use while its name is still referenced, the status
// reports it, and a pair that was never usable is not served. From Kubernetes objects to HTTPS clients.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type * as ir from '#api/ir/ir.ts';
import { Compiler } from '../../controller/compile/compile.ts';
import { KeptPairs } from '../../controller/compile/kept-pairs.ts';
import type { DesiredStatus } from '../../controller/compile/result.ts';
import { isBad, partsOf } from '../../controller/status/problems.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Worker } from '../../proxy/worker.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { closeAfterEach, closeLater, openUpstream } from '../support/fixture.ts';
import { ok } from '../support/raw-upstream.ts';
import { askFor, gatewayOf, grantFrom, HTTPS_PORT, issuePairs, listenerFor, objectsAround, secretWith } from '../support/pairs.ts';

closeAfterEach();

let ca: TestCa;
let [wild, one, next, expired, older]: IssuedFiles[] = [];

beforeAll(async () => {
  ca = await TestCa.create();
  ({ wild, one, next, expired } = await issuePairs(ca));
  older = await ca.issueAs('older', { names: 'DNS:one.app.test', hours: [-48, -2] });
});
afterAll(() => ca.remove());

/** A compiler and a worker, without a network in between. */
class Site {
  readonly #now = { offset: 0 };
  readonly #compiler: Compiler;
  readonly worker: Worker;
  #statuses = new Map<string, DesiredStatus>();

  constructor() {
    const now = () => Date.now() + this.#now.offset;
    this.#compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller', allowLoopback: true }, new KeptPairs(now));
    const options = { limits: { ...DEFAULT_LIMITS }, accessLog: 'off', reusePort: false, drainTimeout: 1_000 };
    this.worker = new Worker({ ...options, bindPort: () => 0, bindAddress: '127.0.0.1' });
    closeLater(() => this.worker.stop(1));
  }

  change(...objects: readonly object[]): Promise<void> {
    return this.#apply(objects.map((object) => ({ type: 'upsert', object }) as never));
  }

  remove(kind: string, name: string, namespace = 'default'): Promise<void> {
    return this.#apply([{ type: 'delete', ref: { kind, namespace, name } }]);
  }

  async #apply(changes: Parameters<Compiler['apply']>[0]): Promise<void> {
    const { changed, removed, rejected, faults, statuses } = this.#compiler.apply(changes);
    expect([rejected, faults]).toEqual([[], []]);
    for (const status of statuses) this.#statuses.set(status.ref.kind, status);
    const resources = changed.map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
    expect(await this.worker.apply(resources, removed)).toEqual([]);
  }

  /** The problems of the listener for one.app.test, by condition. */
  get problems(): Record<string, string> {
    const all = [...this.#statuses.values()]
      .flatMap(partsOf)
      .flatMap(([part, conditions]) => (part === 'listener one' ? conditions : []))
      .filter((condition) => isBad(condition) && condition.type !== 'OverlappingTLSConfig');
    return Object.fromEntries(all.map(({ type, reason, message }) => [type, `${reason}: ${message}`]));
  }

  /** The name on the certificate for a request to a host; or the status, or why the handshake failed. */
  ask(host: string): Promise<string> {
    return askFor(this.worker.boundPort(HTTPS_PORT) ?? 0, host);
  }

  later(hours: number): void {
    this.#now.offset += hours * 3_600_000;
  }
}

const REFUSED = 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME';
const text = (file: string | undefined) => readFileSync(file ?? '', 'utf8');

let site: Site;
beforeEach(async () => {
  site = new Site();
  const upstream = await openUpstream(() => ok('served'));
  const listeners = [listenerFor('wild', '*.app.test', 'wild'), listenerFor('one', 'one.app.test', 'one')];
  await site.change(...objectsAround(upstream.port), gatewayOf(listeners), secretWith('wild', wild));
});

const BROKEN: readonly (readonly [string, () => object, RegExp])[] = [
  [
    'a key of another certificate',
    () => secretWith('one', { certificate: next?.certificate, privateKey: one?.privateKey }),
    /holds a certificate .*and a key that do not belong together/,
  ],
  ['a certificate that has expired', () => secretWith('one', expired), /holds a certificate that expired at /],
  [
    'garbage',
    () => ({ ...secretWith('one'), stringData: { 'tls.crt': 'garbage', 'tls.key': 'garbage' } }),
    /holds no PEM certificate in tls.crt/,
  ],
  [
    'half of a certificate',
    () => ({ ...secretWith('one'), stringData: { 'tls.crt': text(one?.certificate).slice(0, 200), 'tls.key': text(one?.privateKey) } }),
    /holds a certificate in tls.crt that is cut off/,
  ],
  ['nothing', () => secretWith('one'), /has no tls.crt/],
];

describe('a Secret that changes to', () => {
  test.each(BROKEN)('%s: the previous pair stays in use until a usable one arrives', async (_, broken, reason) => {
    await site.change(secretWith('one', one));
    expect([await site.ask('one.app.test'), site.problems]).toEqual(['200 one', {}]);
    await site.change(broken());
    expect(await site.ask('one.app.test')).toBe('200 one');
    expect(Object.keys(site.problems)).toEqual(['ResolvedRefs']);
    expect(site.problems['ResolvedRefs']).toMatch(reason);
    expect(site.problems['ResolvedRefs']).toMatch(
      /^InvalidCertificateRef: Secret\/default\/one .*; the previous pair stays in use and is valid until 20\d\d-[0-9TZ:.-]+$/,
    );
    await site.change(secretWith('one', next));
    expect([await site.ask('one.app.test'), site.problems]).toEqual(['200 next', {}]);
  });

  test.each(BROKEN.filter(([what]) => !what.includes('expired')))(
    '%s from its beginning serves nobody, and no other listener answers',
    async (_, broken, reason) => {
      await site.change(broken());
      expect(await site.ask('one.app.test')).toBe(REFUSED);
      expect(await site.ask('two.app.test')).toBe('200 wild');
      expect(await askFor(site.worker.boundPort(HTTPS_PORT) ?? 0, 'two.app.test', 'one.app.test')).toBe('421 wild');
      expect(site.problems['Programmed']).toMatch(reason);
      await site.change(secretWith('one', one));
      expect([await site.ask('one.app.test'), site.problems]).toEqual(['200 one', {}]);
    },
  );
});

describe('a certificate that has expired', () => {
  test('is served if it is the first, and replaced by any other', async () => {
    await site.change(secretWith('one', expired));
    expect([await site.ask('one.app.test'), site.problems]).toEqual(['200 expired', {}]);
    await site.change(secretWith('one', older));
    expect(await site.ask('one.app.test')).toBe('200 older');
    await site.change(secretWith('one', one));
    expect(await site.ask('one.app.test')).toBe('200 one');
  });

  test('replaces the previous one once that has expired too', async () => {
    await site.change(secretWith('one', one));
    await site.change(secretWith('one', expired));
    expect(await site.ask('one.app.test')).toBe('200 one');
    site.later(100);
    await site.change({ ...secretWith('one', expired), metadata: { name: 'one', namespace: 'default', labels: { touched: 'true' } } });
    expect(await site.ask('one.app.test')).toBe('200 expired');
  });
});

describe('no pair is kept', () => {
  const broken = () => secretWith('one', { certificate: next?.certificate, privateKey: one?.privateKey });

  async function expectRefused(): Promise<void> {
    expect(await site.ask('one.app.test')).toBe(REFUSED);
    expect(await site.ask('two.app.test')).toBe('200 wild');
  }

  test('of a deleted Secret', async () => {
    await site.change(secretWith('one', one));
    await site.change(broken());
    await site.remove('Secret', 'one');
    await expectRefused();
    await site.change(broken());
    await expectRefused();
  });

  test('of a Secret that changes its type', async () => {
    await site.change(secretWith('one', one));
    await site.change({ ...secretWith('one', one), type: 'Opaque' });
    await expectRefused();
  });

  test('of a Secret whose ReferenceGrant is deleted', async () => {
    const far = { ...broken(), metadata: { name: 'one', namespace: 'vault' } };
    await site.change({ ...secretWith('one', one), metadata: { name: 'one', namespace: 'vault' } }, grantFrom('vault'));
    await site.change(gatewayOf([listenerFor('wild', '*.app.test', 'wild'), listenerFor('one', 'one.app.test', 'one', 'vault')]));
    await site.change(far);
    expect(await site.ask('one.app.test')).toBe('200 one');
    await site.remove('ReferenceGrant', 'edge', 'vault');
    await expectRefused();
    await site.change(grantFrom('vault'));
    await expectRefused();
  });

  test('for a listener that changes to a Secret that was never usable', async () => {
    await site.change(secretWith('one', one), secretWith('bad', { certificate: next?.certificate, privateKey: one?.privateKey }));
    expect(await site.ask('one.app.test')).toBe('200 one');
    await site.change(gatewayOf([listenerFor('wild', '*.app.test', 'wild'), listenerFor('one', 'one.app.test', 'bad')]));
    await expectRefused();
  });
});
