import { describe, expect, test } from '@jest/globals';
import { OverrideKeeper } from './overrides.ts';

function keeper(): { readonly keeper: OverrideKeeper; readonly published: string[] } {
  const published: string[] = [];
  const publish = (topic: string, key: string, value: unknown): void => void published.push(`${topic} ${key} ${String(value)}`);
  return { keeper: new OverrideKeeper({ publish }), published };
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
