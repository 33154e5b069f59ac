import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { normalisePath } from './normalise.ts';
import { expressionDoubt, normaliseExpression } from './path-expression.ts';
import { compileRegex, regexMatches } from './regex.ts';

describe('an expression is compared with paths in normal form', () => {
  test.each([
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/caf%C3%A9/[0-9]+', '/caf%C3%A9/[0-9]+'],
    ['/%7euser/%41%2d%5f', '/~user/A-_'],
    ['/v1%2e0', '/v1\\.0'],
    ['/caf\\%c3\\%a9', '/caf%C3%A9'],
    ['/a\\\\%c3', '/a\\\\%C3'],
    ['/\\Qcaf%c3%a9 x.\\E/.*', '/\\Qcaf%C3%A9%20x.\\E/.*'],
    ['/café+', '/caf(?:%C3%A9)+'],
    ['/a b', '/a(?:%20)b'],
    ['/(?:日|本)', '/(?:(?:%E6%97%A5)|(?:%E6%9C%AC))'],
    ['/[%c3é]/[]%c3]/[[:alpha:]%c3]', '/[%c3é]/[]%c3]/[[:alpha:]%c3]'],
    ['/%c/%zz/100%', '/%c/%zz/100%'],
    ['(?i)/caf%c3%a9', '(?i)/caf%C3%A9'],
  ])('%s: %s', (expression, expected) => {
    expect(normaliseExpression(expression)).toBe(expected);
    expect(normaliseExpression(expected)).toBe(expected);
  });

  test('a path as an expression matches the path with any escapes', () => {
    const escape = fc.integer({ min: 0x21, max: 0xff }).map((code) => `%${code.toString(16)}`);
    const part = fc.oneof(escape, fc.constantFrom('a', 'B', '/', '-', '_', '~', '1', '%41', '%7E', '%2f', '%e2%82%ac'));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const written = `/${parts.join('')}`;
        const path = normalisePath(written);
        if (path === null || path !== normalisePath(path) || /\/\.{0,2}\/|\.$|%2e/i.test(written)) return;
        const regex = compileRegex(normaliseExpression(written));
        expect(regex.ok && regexMatches(regex.value, path)).toBe(true);
      }),
    );
  });

  test('a valid RE2 expression stays valid, and one with only ASCII and no escapes is unchanged', () => {
    const piece = fc.constantFrom(
      ...[
        '%c3',
        '%2e',
        '\\%41',
        'é',
        ' ',
        '[a',
        ']',
        '[^',
        '(',
        ')',
        '*',
        '+',
        '?',
        '|',
        '\\Q',
        '\\E',
        '\\',
        '.',
        '[:alpha:]',
        '{2}',
        '𝒳',
        '%',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const expression = pieces.join('');
        const normal = normaliseExpression(expression);
        if (compileRegex(expression).ok) expect(compileRegex(normal)).toMatchObject({ ok: true });
        if (/^[\x21-\x24\x26-\x7e]*$/.test(expression)) expect(normal).toBe(expression);
      }),
      { numRuns: 3_000 },
    );
  });

  test('takes linear time', () => {
    for (const part of ['[:', '[', '\\Q', '%', '\\', 'é', '%c3']) normaliseExpression(part.repeat(20_000));
  });
});

test.each([
  ['/search\\?q=.*', '"?"'],
  ['/a#b', '"#"'],
  ['/\\p{Greek}+', 'class of letters'],
  ['/[äöü]', 'class of characters'],
  ['/[a b]', 'class of characters'],
  ['/%[0-9a-f]{2}', 'small letters'],
  ['/%C[0-9a-f]', 'small letters'],
  ['/%c[0-9A-F]', 'small letters'],
])('%s cannot match a path: %s', (expression, reason) => expect(expressionDoubt(expression)).toContain(reason));

test.each(['/caf%c3%a9', '/é', '/[^é]+', '/%[0-9a-fA-F]{2}', '/a?b', '/(?:a|b)?', '/%20', '/\\d+\\.\\w', '/100%25', '/[a-f]+'])(
  '%s is fine',
  (expression) => expect(expressionDoubt(expression)).toBeNull(),
);
