// The pipeline with a source that reads Secrets on demand: when a batch reaches the sinks, and with which content.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createLog } from '#lib/log.ts';
import { until } from '../test/support/until.ts';
import { CONTROLLER, gateway, gatewayClass, service, tlsSecret, upsert } from './compile/testdata/objects.ts';
import type { CompileDelta, Handover } from './compile/result.ts';
import { Pipeline } from './pipeline.ts';
import type { Change, Source, SourceListener, Wanted } from './watch/event.ts';

const read = (file: string) => readFileSync(new URL(`compile/testdata/tls/${file}`, import.meta.url), 'utf8');
const CERT = upsert(tlsSecret('infra', 'cert', read('a.crt'), read('a.key')));
const UNREADABLE: Change = { type: 'unreadable', ref: { kind: 'Secret', namespace: 'infra', name: 'cert' }, reason: 'nobody may' };

function listener(name: string, port: number, secret = ''): Record<string, unknown> {
  const tls = { protocol: 'HTTPS', tls: { certificateRefs: [{ name: secret }] } };
  return { name, port, protocol: 'HTTP', ...(secret === '' ? {} : tls) };
}

/** Delivers the changes that the test gives; a read ends when the test says so. */
class OnDemand implements Source {
  #listener: SourceListener | null = null;
  #wait: PromiseWithResolvers<void> | null = null;
  followed: readonly string[] = [];
  /** Whether the next call that follows a Secret waits for `release`. */
  holds = false;

  start(to: SourceListener): Promise<void> {
    this.#listener = to;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#wait?.resolve();
    return Promise.resolve();
  }

  want({ Secret, ConfigMap }: Wanted): Promise<void> | null {
    this.followed = [...Secret, ...ConfigMap];
    if (!this.holds || this.followed.length === 0) return null;
    this.#wait = Promise.withResolvers();
    return this.#wait.promise;
  }

  tell(...changes: readonly Change[]): void {
    this.#listener?.changed(changes);
  }

  /** Delivers the Secrets; no read waits any more. */
  release(...changes: readonly Change[]): void {
    this.tell(...changes);
    this.holds = false;
    this.#wait?.resolve();
  }
}

let source: OnDemand;
let pipeline: Pipeline;
/** The batches that the sink received: resource names, and the texts of statuses. */
let batches: { readonly changed: readonly string[]; readonly statuses: string }[];

beforeEach(async () => {
  source = new OnDemand();
  batches = [];
  pipeline = new Pipeline({
    sources: [source],
    compiler: { controllerName: CONTROLLER },
    batch: { quiet: 1, maximum: 10 },
    sinks: {},
    log: createLog('silent'),
    compiled: ({ changed, statuses }: CompileDelta) =>
      void batches.push({ changed: changed.map(({ kind, key }) => `${kind} ${key}`), statuses: JSON.stringify(statuses) }),
  });
  await pipeline.start();
  source.tell(upsert(gatewayClass()));
  await until(() => batches.length === 2, 'the first batches');
  batches.length = 0;
});

afterEach(() => pipeline.stop());

describe('a batch that refers to a Secret', () => {
  const GATEWAY = upsert(gateway('web', [listener('http', 80), listener('https', 443, 'cert')]));

  test('is handed on together with the Secret, and later changes after it', async () => {
    source.holds = true;
    source.tell(GATEWAY);
    await until(() => source.followed.length > 0, 'a Secret to follow');
    expect(source.followed).toEqual(['Secret/infra/cert']);
    source.tell(upsert(gateway('other', [listener('http', 80)])));
    source.release(CERT);
    await until(() => batches.length === 2);
    expect(batches.map(({ changed }) => changed)).toEqual([
      ['Secret infra/cert', 'Listener infra/web/http', 'Listener infra/web/https'],
      ['Listener infra/other/http'],
    ]);
    expect(batches[0]?.statuses).not.toContain('does not exist');
  });

  test('is handed on without an unreadable Secret, and reports it', async () => {
    source.holds = true;
    source.tell(GATEWAY);
    await until(() => source.followed.length > 0, 'a Secret to follow');
    source.release(UNREADABLE);
    await until(() => batches.length === 1);
    expect(batches[0]?.changed).toEqual(['Listener infra/web/http', 'Listener infra/web/https']);
    expect(batches[0]?.statuses).toContain('Secret/infra/cert cannot be read: nobody may');
    source.tell(CERT);
    await until(() => batches.length === 2);
    expect(batches[1]?.changed).toEqual(['Secret infra/cert', 'Listener infra/web/https']);
  });

  test('changes nothing if the pipeline stops before the Secret arrives', async () => {
    source.holds = true;
    source.tell(GATEWAY);
    await until(() => source.followed.length > 0, 'a Secret to follow');
    await pipeline.stop();
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual([]);
  });

  test('stops following the Secret when it removes the last reference', async () => {
    source.tell(GATEWAY, CERT);
    await until(() => batches.length === 1);
    source.tell(upsert(gateway('web', [listener('http', 80)])), upsert(service('infra', 'app')));
    await until(() => batches.length === 2);
    expect(source.followed).toEqual([]);
  });
});

describe('a sink that fails', () => {
  test('does not affect other sinks, and gets the missed deltas', async () => {
    const seen: Record<'fleets' | 'statuses' | 'push', string[]> = { fleets: [], statuses: [], push: [] };
    let isBroken = true;
    const takes = (name: keyof typeof seen, delta: Handover) => void seen[name].push(...delta.changed.map(({ key }) => key));
    const isolated = new Pipeline({
      sources: [source],
      compiler: { controllerName: CONTROLLER },
      batch: { quiet: 1, maximum: 10 },
      sinks: {
        fleets: {
          apply: (delta) => {
            if (isBroken) throw new Error('a bug');
            takes('fleets', delta);
          },
        },
        statuses: { apply: (delta) => takes('statuses', delta) },
        push: { apply: (delta) => takes('push', delta), essential: true },
      },
      log: createLog('silent'),
    });
    try {
      await isolated.start();
      source.tell(upsert(gatewayClass()), upsert(gateway('web', [listener('http', 80)])));
      await until(() => seen.push.length > 0 && seen.statuses.length > 0, 'the others');
      expect(seen).toEqual({ fleets: [], statuses: ['infra/web/http'], push: ['infra/web/http'] });
      isBroken = false;
      await until(() => seen.fleets.length > 0, 'the missed delta');
      expect(seen.fleets).toEqual(['infra/web/http']);
    } finally {
      await isolated.stop();
    }
  });

  test('delays the start only if it is essential and has not taken the first batch', async () => {
    let isBroken = true;
    let isStarted = false;
    let tries = 0;
    const essential = new Pipeline({
      sources: [source],
      compiler: { controllerName: CONTROLLER },
      batch: { quiet: 1, maximum: 10 },
      sinks: {
        push: {
          essential: true,
          apply: () => {
            tries++;
            if (isBroken) throw new Error('a bug');
          },
        },
      },
      log: createLog('silent'),
    });
    const started = essential.start().then(() => (isStarted = true));
    try {
      await until(() => tries > 1, 'a second try');
      expect(isStarted).toBe(false);
      isBroken = false;
      await started;
    } finally {
      await essential.stop();
    }
  });
});
