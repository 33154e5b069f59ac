// JSON patches, merge patches and differences, with random values.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, type JsonValue } from './canonical-json.ts';
import { applyJsonPatch, jsonPatchOf } from './json-patch.ts';
import { equalJson } from './json-value.ts';
import { applyMergePatch, mergePatchOf } from './merge-patch.ts';

const names = fc.constantFrom('a', 'b', 'a/b', 'm~n', '', '0', 'constructor', '__proto__', 'toString');
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<JsonValue>(0, 1, true, 'x', ''),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }).map((members) => Object.fromEntries(members) as JsonValue),
  ),
}));

/** As it comes from outside: with `__proto__` as a member. */
function parsed(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}

test('the patch of two values makes one of the other', () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      const patched = applyJsonPatch(before, jsonPatchOf(before, after));
      expect(patched.ok && equalJson(patched.value, after)).toBe(true);
    }),
  );
});

test('the merge patch of two values makes one of the other', () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      expect(equalJson(applyMergePatch(before, mergePatchOf(before, after)), after)).toBe(true);
    }),
  );
});

test('equal values have the same canonical text', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(canonicalJson(a) === canonicalJson(b)).toBe(equalJson(a, b));
    }),
  );
});

describe('merge patch', () => {
  // RFC 7386, appendix A.
  test.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])('%s with %s is %s', (target, patch, result) => {
    expect(applyMergePatch(parsed(target), parsed(patch))).toEqual(JSON.parse(result));
  });

  test('a member __proto__ changes no other object', () => {
    const patched = applyMergePatch({}, parsed('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(patched as object)).toEqual(['__proto__', 'constructor']);
  });
});

describe('JSON patch', () => {
  // The cases of RFC 6902, appendix A, with other values.
  test.each([
    ['{"a":1}', '[{"op":"add","path":"/b","value":2}]', '{"a":1,"b":2}'],
    ['{"a":[1,3]}', '[{"op":"add","path":"/a/1","value":2}]', '{"a":[1,2,3]}'],
    ['{"a":[1]}', '[{"op":"add","path":"/a/-","value":[2]}]', '{"a":[1,[2]]}'],
    ['{"a":1,"b":2}', '[{"op":"remove","path":"/b"}]', '{"a":1}'],
    ['{"a":[1,2,3]}', '[{"op":"remove","path":"/a/1"}]', '{"a":[1,3]}'],
    ['{"a":1}', '[{"op":"replace","path":"/a","value":null}]', '{"a":null}'],
    ['{"a":{"b":1},"c":{}}', '[{"op":"move","from":"/a/b","path":"/c/d"}]', '{"a":{},"c":{"d":1}}'],
    ['{"a":[1,2,3]}', '[{"op":"move","from":"/a/0","path":"/a/2"}]', '{"a":[2,3,1]}'],
    ['{"a":{"b":1}}', '[{"op":"copy","from":"/a","path":"/c"}]', '{"a":{"b":1},"c":{"b":1}}'],
    ['{"a/b":1,"m~n":2}', '[{"op":"test","path":"/a~1b","value":1},{"op":"remove","path":"/m~0n"}]', '{"a/b":1}'],
    ['{"a":1}', '[{"op":"replace","path":"","value":[7]}]', '[7]'],
  ])('%s with %s is %s', (target, patch, result) => {
    expect(applyJsonPatch(parsed(target), parsed(patch) as never)).toEqual({ ok: true, value: JSON.parse(result) as unknown });
  });

  test.each([
    ['{"a":1}', '[{"op":"test","path":"/a","value":2}]', 'expects another value at /a'],
    ['{"a":1}', '[{"op":"add","path":"/b/c","value":2}]', 'leads through "b", which does not exist'],
    ['{"a":[1]}', '[{"op":"add","path":"/a/2","value":2}]', 'names index 2, which the list does not have'],
    ['{"a":[1]}', '[{"op":"add","path":"/a/01","value":2}]', 'names index 01, which the list does not have'],
    ['{"a":1}', '[{"op":"remove","path":"/constructor"}]', 'names /constructor, which does not exist'],
    ['{"a":1}', '[{"op":"add","path":"/__proto__/polluted","value":true}]', 'leads through "__proto__", which does not exist'],
    ['{"a":1}', '[{"op":"add","path":"a","value":1}]', 'names "a", which is no pointer; a pointer starts with /'],
    ['{"a":{}}', '[{"op":"move","from":"/a","path":"/a/b"}]', 'moves a value into itself'],
    ['{"a":1}', '[{"op":"copy","path":"/b"}]', 'needs from for copy'],
    ['{"a":1}', '[{"op":"add","path":"/b"}]', 'needs a value for add'],
  ])('%s refuses %s', (target, patch, reason) => {
    expect(applyJsonPatch(parsed(target), parsed(patch) as never)).toEqual({ ok: false, error: { step: 0, reason } });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('copies of copies end at the limit', () => {
    const steps = Array.from({ length: 60 }, (_, i) => ({ op: 'copy' as const, from: '/a', path: `/a/${i}` }));
    const patched = applyJsonPatch({ a: { text: 'x'.repeat(100) } }, steps);
    expect(patched.ok ? '' : patched.error.reason).toContain('puts in more than');
  });
});
