import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { normaliseHost, normalisePath } from './normalise.ts';

describe('normalisePath', () => {
  test.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a//b/', '/a//b/'],
    ['//evil.example/x', '//evil.example/x'],
    ["/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"],
    ['/a|b{c}"<>^`', '/a|b{c}"<>^`'],
    ['/.well-known/x', '/.well-known/x'],
    ['/a/..b/...', '/a/..b/...'],
  ])('keeps %s', (raw, wanted) => expect(normalisePath(raw)).toBe(wanted));

  test.each([
    ['/%61%7E%2d%5f', '/a~-_'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a%2fb', '/a%2Fb'],
    ['/a%5cb', '/a%5Cb'],
    ['/100%25', '/100%25'],
    ['/%2561', '/%2561'],
    ['/%20x%3f', '/%20x%3F'],
  ])('normalises the escapes of %s', (raw, wanted) => expect(normalisePath(raw)).toBe(wanted));

  test.each([
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/..', '/'],
    ['/a/.', '/a/'],
    ['/.', '/'],
    ['/a/b/../..', '/'],
    ['/a//../b', '/a/b'],
    ['/%2e/a', '/a'],
    ['/a/%2E%2e/b', '/b'],
    ['/a/.%2e/b', '/b'],
    ['/a/..%2Fb', '/a/..%2Fb'],
  ])('removes the dot segments of %s', (raw, wanted) => expect(normalisePath(raw)).toBe(wanted));

  test.each(['/..', '/../a', '/a/../../b', '/%2e%2e/a', '/./..', '/a/../..'])('refuses to climb above the root: %s', (raw) =>
    expect(normalisePath(raw)).toBeNull(),
  );

  test.each(['', '*', 'a', 'http://a/', '/a b', '/a\tb', '/a\0', '/a\x7f', '/a#b', '/a?b', '/a\\b', '/é', '/\u{1F600}', '/\u212a'])(
    'refuses %j, which is no path of a request',
    (raw) => expect(normalisePath(raw)).toBeNull(),
  );

  test.each(['/%', '/%4', '/%zz', '/%4g', '/%%41', '/a%00b', '/%0a', '/%0D', '/%1f', '/%7f'])('refuses the escape in %s', (raw) =>
    expect(normalisePath(raw)).toBeNull(),
  );

  test('a path in normal form is unchanged', () => {
    const piece = fc.constantFrom('/', '.', '..', 'a', '%', '%2e', '%2E', '%2f', '%61', '25', '/a', '~');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const once = normalisePath(`/${pieces.join('')}`);
        if (once === null) return;
        expect(normalisePath(once)).toBe(once);
        expect(once.split('/')).not.toContain('..');
        expect(once.split('/')).not.toContain('.');
      }),
    );
  });

  test('accepted paths have the same normal form as in WHATWG', () => {
    const piece = fc.constantFrom('/', '.', '..', 'a', '%2e', 'b.c', '%C3%A9', '%2F');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const path = normalisePath(`/${pieces.join('')}`);
        if (path !== null) expect(path).toBe(new URL(`http://a/${pieces.join('')}`).pathname.replaceAll('%2e', '.'));
      }),
    );
  });
});

describe('normaliseHost', () => {
  test.each([
    ['', ''],
    ['example.com', 'example.com'],
    ['Example.COM', 'example.com'],
    ['example.com:8080', 'example.com'],
    ['EXAMPLE.com:443', 'example.com'],
    ['example.com.', 'example.com'],
    ['example.com.:80', 'example.com'],
    ['example.com:', 'example.com'],
    ['a_b-c.1', 'a_b-c.1'],
    ['10.0.0.1:80', '10.0.0.1'],
    ['[::1]', '[::1]'],
    ['[2001:DB8::1]:8443', '[2001:db8::1]'],
    ['[::ffff:10.0.0.1]:', '[::ffff:10.0.0.1]'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['__proto__', '__proto__'],
  ])('%j becomes %j', (raw, wanted) => expect(normaliseHost(raw)).toBe(wanted));

  test.each([
    ...['.', '..', 'a..b', '.a', 'a..', ':80', '.:80', 'a b', ' a', 'a\t', 'a\0', 'a/b', 'a?b', 'a#b', 'a\\b'],
    ...['u@a', 'a,b', '*.a', '%61', 'a:b', 'a:80:80', 'a:65536', 'a:080808', 'a:-1', 'é.example', '\u212aelvin', 'a\u0130'],
    ...['[', '[]', '[::1', '[::1]x', '[::1]x80', '[::1]:x', '[g::]', '[1.2.3.4]', '::1', `${'a.'.repeat(126)}aa`, 'a'.repeat(300)],
  ])('refuses %j', (raw) => expect(normaliseHost(raw)).toBeNull());

  test('a host in normal form is unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'B', '.', ':', '8', '[', ']', '-', '@'), { maxLength: 8 }), (pieces) => {
        const once = normaliseHost(pieces.join(''));
        if (once !== null) expect(normaliseHost(once)).toBe(once);
      }),
    );
  });
});
