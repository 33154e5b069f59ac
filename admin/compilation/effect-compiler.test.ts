// Dry runs on a real thread: their order, their limits, the ends of the thread, and what it remembers.
import { afterEach, describe, expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { objectId, refOf, type KubernetesObject } from '#api/k8s/object.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { ok, type Result } from '#lib/result.ts';
import type { AdminProblem } from '../api/problem.ts';
import { EffectCompiler, type EffectLimits } from './effect-compiler.ts';
import type { Comparison } from './effect-thread.ts';
import type { EffectContent } from './effect-worker.ts';

const controllerName = 'gateway.weir.dev/controller';
const API = 'gateway.networking.k8s.io/v1';
const CLASS = object('GatewayClass', 'weir', { controllerName }, '');
const EDGE = object('Gateway', 'edge', { gatewayClassName: 'weir', listeners: [{ name: 'http', protocol: 'HTTP', port: 8080 }] });
const PAIR = { certificateRefs: [{ name: 'pair' }] };
const SECURE = object('Gateway', 'secure', {
  gatewayClassName: 'weir',
  listeners: [{ name: 'https', protocol: 'HTTPS', port: 8443, tls: PAIR }],
});

let compiler: EffectCompiler;

afterEach(() => compiler.close());

function object(kind: string, name: string, spec: object, namespace = 'default'): KubernetesObject {
  const metadata = { name, ...(namespace === '' ? {} : { namespace }) };
  return { apiVersion: API, kind, metadata, spec } as KubernetesObject;
}

function route(name: string): KubernetesObject {
  const matches = [{ path: { type: 'PathPrefix', value: `/${name}` } }];
  return object('HTTPRoute', name, { parentRefs: [{ name: 'edge' }], rules: [{ matches }] });
}

function contentOf(objects: readonly KubernetesObject[], more: Partial<EffectContent> = {}): EffectContent {
  const byId = new Map(objects.map((each) => [objectId(refOf(each)), each]));
  return { objects: byId, problems: [], unreadable: null, forget: false, ...more };
}

function started(limits: Partial<EffectLimits> = {}): EffectCompiler {
  compiler = new EffectCompiler({ controllerName }, limits);
  return compiler;
}

function compared(before: readonly KubernetesObject[], after: readonly KubernetesObject[]): Promise<Result<Comparison, AdminProblem>> {
  return compiler.run(async (run) => {
    await run.compile('before', contentOf(before));
    await run.compile('after', contentOf(after));
    return ok(await run.compare());
  });
}

/** That a dry run works now: a route that it adds. */
async function expectWorks(): Promise<void> {
  const done = await compared([CLASS, EDGE], [CLASS, EDGE, route('new')]);
  expect(done).toMatchObject({ ok: true, value: { effects: { resources: [{ kind: 'Route', change: 'added' }] } } });
}

function refusal(code: string, detail: RegExp): object {
  return { ok: false, error: { status: 503, code, detail: expect.stringMatching(detail) as unknown } };
}

describe('the compiler of dry runs', () => {
  test('compares two contents, and goes from one to the next', async () => {
    started();
    const base = [CLASS, EDGE, route('a'), route('b')];
    for (const after of [base, [CLASS, EDGE, route('a')], [...base, route('c')], base]) {
      const done = await compared(base, after);
      const names = done.ok ? done.value.effects.resources.map(({ origin, change }) => `${change} ${origin.name}`) : [];
      expect(names).toEqual(after.length < 4 ? ['removed b'] : after.length > 4 ? ['added c'] : []);
    }
  });

  test('hands allowed addresses over', async () => {
    const spec = { endpoints: [{ ip: '127.0.0.1', port: 80 }] };
    const backend = { ...object('Backend', 'a', spec), apiVersion: 'gateway.weir.dev/v1alpha1' };
    const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'a' }];
    const base = [CLASS, EDGE, object('HTTPRoute', 'shop', { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs }] })];
    for (const [allowed, isRefused] of [
      [['127.0.0.0/8'], false],
      [['10.0.0.0/8'], true],
    ] as const) {
      compiler = new EffectCompiler({ controllerName, allowedEndpoints: AddressRanges.parse(allowed) });
      const done = await compared(base, [...base, backend]);
      const messages = done.ok ? done.value.effects.conditions.map(({ after }) => after?.message ?? '') : [];
      expect(messages.some((message) => message.includes('127.0.0.1'))).toBe(isRefused);
      await compiler.close();
    }
  });

  test('does not compile the same version again', async () => {
    started();
    const version = {};
    const run = (): Promise<Result<Comparison, AdminProblem>> =>
      compiler.run(async (each) => {
        await each.compileVersion(version, contentOf([CLASS, EDGE]));
        await each.compile('after', contentOf([CLASS, EDGE, route('new')]));
        return ok(await each.compare());
      });
    for (const done of [await run(), await run()])
      expect(done).toMatchObject({ ok: true, value: { effects: { resources: [{ change: 'added' }] } } });
  });

  test('tells which objects are wanted and unreadable, and forgets them', async () => {
    started();
    const unreadable = { objects: [], kinds: ['Secret'], reason: 'may not be read', except: [] };
    const objects = [CLASS, SECURE];
    const done = await compiler.run(async (run) => {
      const hidden = await run.compile('before', contentOf(objects, { unreadable }));
      const missing = await run.compile('after', contentOf(objects, { forget: true }));
      const excepted = await run.compile('after', contentOf(objects, { unreadable: { ...unreadable, except: ['Secret/default/pair'] } }));
      return ok([hidden, missing, excepted, await run.compare()] as const);
    });
    const wanted = { Secret: ['Secret/default/pair'], ConfigMap: [] };
    expect(done).toMatchObject({
      ok: true,
      value: [
        { wanted, unreadable: ['Secret/default/pair'] },
        { wanted, unreadable: [] },
        { wanted, unreadable: [] },
        {
          effects: {
            conditions: expect.arrayContaining([
              expect.objectContaining({
                type: 'ResolvedRefs',
                before: expect.objectContaining({ message: expect.stringContaining('may not be read') as unknown }) as unknown,
                after: expect.objectContaining({ message: expect.stringContaining('does not exist') as unknown }) as unknown,
              }),
            ]) as unknown,
          },
        },
      ],
    });
  });
});

describe('a limit', () => {
  test('of memory ends the thread of a huge configuration, not the program, and the next dry run works', async () => {
    started({ memoryMiB: 48 });
    const huge = Array.from({ length: 12_000 }, (_, i) => route(`route-${i}`));
    expect(await compared([CLASS, EDGE], [CLASS, EDGE, ...huge])).toMatchObject(
      refusal('compiler-ended', /needs more than 48 MiB to compile$/),
    );
    await expectWorks();
  });

  test('of time ends the thread', async () => {
    started({ taskMs: 1 });
    expect(await compared([], [CLASS])).toMatchObject(refusal('compiler-ended', /takes more than 0.001 s to compile$/));
    expect(compiler.isStarted).toBe(false);
  });

  test('of waiting dry runs refuses the next one at once', async () => {
    started({ runs: 2 });
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    const first = compiler.run(async () => ok(await gate));
    const second = compared([CLASS], [CLASS]);
    expect(await compared([CLASS], [CLASS])).toMatchObject(refusal('compiler-busy', /^2 dry runs wait already/));
    resolve();
    expect([await first, await second]).toMatchObject([{ ok: true }, { ok: true }]);
    await expectWorks();
  });

  test('of idle time gives the memory back', async () => {
    started({ idleMs: 1 });
    await expectWorks();
    while (compiler.isStarted) await setImmediate();
    await expectWorks();
  });
});

test('a bug in the thread is an error of one dry run', async () => {
  started();
  // The sides were never compiled.
  await expect(compiler.run(async (run) => ok(await run.compare()))).rejects.toThrow('a side was not compiled');
  await expectWorks();
});

test('a thread that ends between the sides is not replaced half way', async () => {
  started({ taskMs: 1 });
  const done = await compiler.run(async (run) => {
    await expect(run.compile('before', contentOf([CLASS]))).rejects.toThrow('to compile');
    return ok(await run.compile('after', contentOf([CLASS])));
  });
  expect(done).toMatchObject(refusal('compiler-ended', /to compile$/));
});

test('close ends the thread and refuses dry runs that run, wait or come', async () => {
  started();
  await expectWorks();
  const running = compared([CLASS], [CLASS, EDGE]);
  const waiting = compared([CLASS], [CLASS, EDGE]);
  await compiler.close();
  expect(compiler.isStarted).toBe(false);
  for (const each of [running, waiting, compared([CLASS], [CLASS])])
    expect(await each).toMatchObject(refusal('compiler-ended', /the program stops$/));
});
