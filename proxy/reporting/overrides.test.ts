import { describe, expect, test } from '@jest/globals';
import { BlockBook } from './block-book.ts';
import { OverrideKeeper } from './overrides.ts';

function keeper(): { readonly keeper: OverrideKeeper; readonly published: string[] } {
  const published: string[] = [];
  const publish = (topic: string, key: string, value: unknown): void => void published.push(`${topic} ${key} ${String(value)}`);
  const broadcast = { publish, subscribe: () => undefined };
  return { keeper: new OverrideKeeper(broadcast, new BlockBook(broadcast)), published };
}

function override(endpoint: string, state: string) {
  return { kind: 'endpoint', backend: '', endpoint, state };
}

function breaker(backend: string, state: string) {
  return { kind: 'breaker', backend, endpoint: '', state };
}

describe('overrides of a proxy', () => {
  test('reach its workers', () => {
    const { keeper: overrides, published } = keeper();
    expect(overrides.set(override('10.0.0.1:80', 'out'))).toEqual({ ok: true, value: undefined });
    overrides.set(override('[fd00::1]:80', 'in'));
    overrides.set(override('10.0.0.1:80', 'auto'));
    expect(published).toEqual(['override 10.0.0.1|80 out', 'override fd00::1|80 in', 'override 10.0.0.1|80 null']);
  });

  test('that a controller does not name end only if it names all', () => {
    const { keeper: overrides, published } = keeper();
    overrides.set(override('10.0.0.1:80', 'out'));
    published.length = 0;
    overrides.take([override('10.0.0.2:80', 'out')], false);
    expect(published).toEqual(['override 10.0.0.2|80 out']);
    published.length = 0;
    overrides.take([override('10.0.0.2:80', 'out')], true);
    expect(published).toEqual(['override 10.0.0.1|80 null', 'override 10.0.0.2|80 out']);
  });

  test('open and close breakers, until the controller names them no more', () => {
    const { keeper: overrides, published } = keeper();
    expect(overrides.set(breaker('Backend/default/a', 'open'))).toEqual({ ok: true, value: undefined });
    overrides.set(breaker('Service/default/b/80', 'close'));
    overrides.set(override('10.0.0.1:80', 'out'));
    expect(published).toEqual(['breaker Backend/default/a open', 'breaker Service/default/b/80 closed', 'override 10.0.0.1|80 out']);
    published.length = 0;
    overrides.take([breaker('Service/default/b/80', 'close')], true);
    expect(published).toEqual(['breaker Backend/default/a null', 'override 10.0.0.1|80 null', 'breaker Service/default/b/80 closed']);
  });

  test('block sources, until a controller that knows all names them no more', () => {
    const { keeper: overrides, published } = keeper();
    const block = { kind: 'block', backend: '', endpoint: '10.0.0.0/8', state: 'on', reason: 'scan', until: Date.now() + 60_000 };
    for (let i = 0; i < 2; i++) expect(overrides.set(block)).toEqual({ ok: true, value: undefined });
    overrides.take([block], true);
    expect(published).toEqual(['refused 10.0.0.0/8 true', 'security  [object Object]']);
    overrides.take([], true);
    expect(published.slice(2)).toEqual(['refused 10.0.0.0/8 null', 'security  [object Object]']);
    expect(overrides.set({ ...block, endpoint: 'x' }).ok).toBe(false);
  });

  test.each([
    [breaker('Backend/default/a', 'out'), '"out" is none of open, close, auto'],
    [{ ...override('10.0.0.1:80', 'out'), kind: 'later' }, 'this proxy does not know overrides of a later'],
    [override('localhost', 'out'), '"localhost" is not ADDRESS:PORT'],
    [override('10.0.0.1:80', 'later'), '"later" is none of out, in, auto'],
  ])('of another release are refused: %j', (unknown, error) => {
    const { keeper: overrides, published } = keeper();
    expect(overrides.set(unknown)).toEqual({ ok: false, error });
    expect(published).toEqual([]);
  });
});
