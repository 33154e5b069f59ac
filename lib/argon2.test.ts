// Hashes of argon2.
import { expect, test } from '@jest/globals';
import { hashArgon2id, matchesArgon2 } from './argon2.ts';
import { parsePasswordHash } from './password-hash.ts';

function argon2Of(text: string) {
  const hash = parsePasswordHash(text);
  if (!hash.ok || hash.value.type !== 'argon2') throw new Error(`not a hash of argon2: ${text}`);
  return hash.value;
}

test('a new hash has its costs, a salt of its own, and matches only its password', async () => {
  const costs = { memory: 64, passes: 2, parallelism: 1 };
  const [one, two] = [await hashArgon2id(costs, 'pässword'), await hashArgon2id(costs, 'pässword')];
  expect(one).not.toBe(two);
  expect(argon2Of(one)).toMatchObject({ algorithm: 'argon2id', ...costs });
  expect(await matchesArgon2(argon2Of(one), 'pässword')).toBe(true);
  expect(await matchesArgon2(argon2Of(one), 'passwort')).toBe(false);
});

test('the hash of another program matches', async () => {
  // Of the tests of the reference implementation, https://github.com/P-H-C/phc-winner-argon2.
  const text = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
  expect(await matchesArgon2(argon2Of(text), 'password')).toBe(true);
});
