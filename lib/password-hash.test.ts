// Hashes of passwords and htpasswd files: which are read, and why others are refused.
import { describe, expect, test } from '@jest/globals';
import { parseHtpasswd } from './htpasswd.ts';
import { parsePasswordHash } from './password-hash.ts';

const BCRYPT = '$2b$10$PS94oWTG59qNs2r6gBB25uU/APgQwXh.gDKD21y2ShlcmU.sHoQx6';
const ARGON2 = '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo';

describe('a hash', () => {
  test.each([BCRYPT, BCRYPT.replace('2b', '2a'), BCRYPT.replace('2b', '2y'), ARGON2, '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='])(
    '%s is read',
    (text) => {
      expect(parsePasswordHash(text)).toMatchObject({ ok: true, value: { text } });
    },
  );

  test('of argon2 has its parameters', () => {
    const parsed = parsePasswordHash(ARGON2);
    expect(parsed).toMatchObject({ ok: true, value: { algorithm: 'argon2id', memory: 65536, passes: 3, parallelism: 4 } });
    expect(parsed.ok && parsed.value.type === 'argon2' && [parsed.value.salt.toString(), parsed.value.tag.length]).toEqual([
      'saltsaltsaltsalt',
      32,
    ]);
  });

  test.each([
    ['', /has no hash/],
    ['secret', /plain password or a hash of crypt/],
    ['rqXexS6ZhobKA', /plain password or a hash of crypt/],
    ['$apr1$abcdefgh$0123456789012345678901', /MD5.*too weak/],
    ['$1$abcdefgh$0123456789012345678901', /MD5.*too weak/],
    ['$6$salt$hash', /SHA-512/],
    ['{SSHA}abc', /salted SHA-1/],
    [BCRYPT.slice(0, -1), /bcrypt hash that is incomplete/],
    [BCRYPT.replace('$10$', '$31$'), /bcrypt hash of cost 31/],
    [BCRYPT.replace('$10$', '$00$'), /bcrypt hash of cost 0/],
    [ARGON2.replace('v=19', 'v=16'), /another version than v=19/],
    [ARGON2.replace('65536', '4194304'), /m=4194304/],
    [ARGON2.replace('t=3', 't=0'), /t=0/],
    [ARGON2.replace('65536', '16'), /p=4/],
  ])('%j is refused', (text, reason) => {
    const parsed = parsePasswordHash(text);
    expect(!parsed.ok && parsed.error).toMatch(reason);
  });

  test('a refusal does not repeat the text', () => {
    const parsed = parsePasswordHash('hunter2-hunter2');
    expect(parsed.ok || parsed.error.includes('hunter')).toBe(false);
  });
});

describe('a htpasswd file', () => {
  const file = ['# users', `bob:${BCRYPT}`, '', `carol:${ARGON2}:comment\r`, 'dave:plain', 'nothing', `bob:${ARGON2}`, ':x'].join('\n');

  test('has a hash for each user; a broken line harms only its user', () => {
    expect([...parseHtpasswd(file).users].map(([user, { type }]) => `${user} ${type}`)).toEqual(['bob bcrypt', 'carol argon2']);
  });

  test('names the lines that it cannot use', () => {
    expect(parseHtpasswd(file).problems.map(({ line, user }) => [line, user])).toEqual([
      [5, 'dave'],
      [6, ''],
      [7, 'bob'],
      [8, ''],
    ]);
  });

  test('a user called __proto__ is a user', () => {
    expect([...parseHtpasswd(`__proto__:${BCRYPT}`).users.keys()]).toEqual(['__proto__']);
  });
});
