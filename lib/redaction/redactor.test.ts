import { describe, expect, test } from '@jest/globals';
import { RE2JS } from 're2js';
import { parsePointer } from '../json-pointer.ts';
import { mayBeSecret, mayHoldCard, SECRET_MARKS } from './quick-check.ts';
import { DEFAULT_REDACTOR, Redactor } from './redactor.ts';

const JWT = `eyJ${'a'.repeat(30)}.eyJ${'b'.repeat(20)}.c-_d`;
const { text } = DEFAULT_REDACTOR;

const SECRETS: readonly (readonly [string, string])[] = [
  ['/pay/4111111111111111/x', '/pay/[redacted]/x'],
  ['card 4111 1111 1111 1111 12', 'card [redacted] 12'],
  ['3782-822463-10005', '[redacted]'],
  ['/users/alice.b+c@mail.example.com/x', '/users/[redacted]/x'],
  ['?to=alice%40example.com&x=1', '?to=[redacted]&x=1'],
  ['größe@beispiel.de', '[redacted]'],
  [`/reset/${JWT}?x`, '/reset/[redacted]?x'],
  ['curl: Bearer abc123DEF', 'curl: Bearer [redacted]'],
  ['bearer%20abc123DEF', 'bearer%20[redacted]'],
  [`Basic ${Buffer.from('user:pass').toString('base64')}`, 'Basic [redacted]'],
  ['https://user:hunter2@intranet/x', 'https://[redacted]@intranet/x'],
  ['token=abc&id=7', 'token=[redacted]&id=7'],
  ['?code=abc&X-Amz-Signature=ff', '?code=[redacted]&X-Amz-Signature=[redacted]'],
  ['a;jsessionid=0123;b', 'a;jsessionid=[redacted];b'],
  ['{"db_password" : "a\\"b", "n": 1}', '{"db_password" : "[redacted]", "n": 1}'],
  ["<user password='x y' name='z'/>", "<user password='[redacted]' name='z'/>"],
  ['Authorization: Bearer abc def\r\nHost: a', 'Authorization: [redacted]\r\nHost: a'],
  ['x ghp_0123456789abcdefghij', 'x [redacted]'],
  ['AKIAIOSFODNN7EXAMPLE0', '[redacted]'],
  ['-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----', '[redacted]-----END RSA PRIVATE KEY-----'],
];

describe('text', () => {
  test.each(SECRETS)('%s', (secret, clean) => {
    expect(text(secret)).toBe(clean);
  });

  test.each([
    ['/orders/4111111111111112'],
    ['1764505331042'],
    ['0.4111111111111111'],
    ['41111111111111110000000'],
    ['12:30:01 https://example.com/a?page=2#b'],
    ['@decorator user@localhost'],
    ['bearer authentication, basic information'],
    ['total_tokens: 5, key: a, code: not_found'],
    ['heyJude.mp3'],
    [''],
  ])('%s has no secret', (harmless) => {
    expect(text(harmless)).toBe(harmless);
  });

  test('own names, patterns and forms', () => {
    const own = new Redactor({ names: ['X-Tenant-PIN'], patterns: [RE2JS.compile('emp-[0-9]+')], forms: ['Tokens'] });
    expect(own.text('tenant_pin=1&x_tenant_pin=2 emp-77 a@b.example 4111111111111111')).toBe(
      'tenant_pin=1&x_tenant_pin=[redacted] [redacted] a@b.example 4111111111111111',
    );
  });
});

describe('headers', () => {
  test.each([
    ['authorization', 'Bearer abc', 'Bearer [redacted]'],
    ['authorization', 'abc', '[redacted]'],
    ['proxy-authorization', 'Basic YTpi', 'Basic [redacted]'],
    ['cookie', 'a=b; c=d', '[redacted]'],
    ['set-cookie', 'a=b', '[redacted]'],
    ['x-api-key', 'k', '[redacted]'],
    ['x-vault-token', 'k', '[redacted]'],
    ['referer', 'https://a.example/?access_token=k&x=1', 'https://a.example/?access_token=[redacted]&x=1'],
    ['user-agent', 'curl/8.5.0', 'curl/8.5.0'],
  ])('%s: %s', (name, value, clean) => {
    expect(DEFAULT_REDACTOR.header(name, value)).toBe(clean);
    expect(DEFAULT_REDACTOR.headers(['host', 'a', name, value])).toEqual(['host', 'a', name, clean]);
  });
});

describe('bodies', () => {
  test('of JSON, by names of members and by the form of texts', () => {
    const body =
      '{"user":{"mail":"a@b.example","password":["x",{"y":1}],"pin":1234},"cards":["4111111111111111",4111111111111111],"n":-1.5}';
    expect(JSON.parse(DEFAULT_REDACTOR.body('application/json; charset=utf-8', body))).toEqual({
      user: { mail: '[redacted]', password: '[redacted]', pin: '[redacted]' },
      cards: ['[redacted]', '[redacted]'],
      n: -1.5,
    });
  });

  test('of JSON with escapes', () => {
    const clean = DEFAULT_REDACTOR.body('application/problem+json', '{"p\\u0061ssword":"x","m":"a\\u0040b.example"}');
    expect(clean).toBe('{"p\\u0061ssword":"[redacted]","m":"[redacted]"}');
  });

  test('of JSON that is cut off or broken', () => {
    const body = (broken: string): string => DEFAULT_REDACTOR.body('application/json', broken);
    expect(body('{"a":1,"password":"hun')).toBe('{"a":1,"password":"[redacted]"');
    expect(body('{"password": hunter2 , "b":1}')).toBe('{"password": "[redacted]","b":1}'.replace(',"b"', ', "b"'));
    expect(body('{"password":{"a":"b')).toBe('{"password":"[redacted]"');
    expect(body('}]]{"token":1')).toBe('}]]{"token":"[redacted]"');
    expect(body('"secret@mail.example')).toBe('"[redacted]"');
  });

  test('of JSON, by pointers', () => {
    const pointers = ['/a/*/b', '/list/1'].map((pointer) => {
      const parsed = parsePointer(pointer);
      return parsed.ok ? parsed.value : [];
    });
    const own = new Redactor({ pointers });
    expect(own.body('application/json', '{"a":{"x":{"b":1,"c":2}},"list":[1,{"y":2},3]}')).toBe(
      '{"a":{"x":{"b":"[redacted]","c":2}},"list":[1,"[redacted]",3]}',
    );
  });

  test('of JSON deeper than any reader goes', () => {
    const deep = `${'['.repeat(100_000)}"a@b.example"${']'.repeat(100_000)}`;
    expect(DEFAULT_REDACTOR.body('application/json', deep)).not.toContain('example');
  });

  test('of forms', () => {
    expect(DEFAULT_REDACTOR.body('application/x-www-form-urlencoded', 'user=a&password=b%20c&card=4111+1111')).toBe(
      'user=a&password=[redacted]&card=4111+1111',
    );
  });
});

/** Texts that make a naive search try every start with every end. */
const HOSTILE = [
  'eyJ',
  'basic+',
  'bearer+',
  'a@',
  '@a.',
  '4 ',
  '4-',
  '-----BEGIN ',
  'http://a',
  '://',
  'password=',
  '"token":"',
  '=',
  '%40',
  'ghp_',
  '{"a":',
  '["',
  '\\',
  '"password":{',
];

// With time that grows with the square these would take minutes, and end at the limit of the test.
test.each(HOSTILE)('300,000 characters of %s cost linear time', (piece) => {
  const text = piece.repeat(Math.ceil(300_000 / piece.length));
  for (const type of ['text/plain', 'application/json']) expect(typeof DEFAULT_REDACTOR.body(type, text)).toBe('string');
});

describe('the quick check', () => {
  /** As the escapers of the log use it. */
  const finds = (text: string): boolean =>
    mayHoldCard(text) || Array.from(text).some((char, i) => SECRET_MARKS.includes(char.charCodeAt(0)) && mayBeSecret(text, i));

  test.each(SECRETS)('%s', (secret) => {
    expect(finds(secret)).toBe(true);
  });

  test.each(['/api/v1/users/12345/orders/67890', '/x/0b5f4c5e-7c1d-4c58-9c3a-0f2f6f6a9b1e', 'curl/8.5.0', '/Assets/logo.js'])(
    '%s is plain',
    (plain) => {
      expect(finds(plain)).toBe(false);
    },
  );
});
