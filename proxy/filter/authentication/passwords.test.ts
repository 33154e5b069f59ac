// The verification of passwords: its verdicts, that it leaves the event loop free, its bounds and its memory.
import { afterEach, describe, expect, test } from '@jest/globals';
import { parsePasswordHash, type PasswordHash } from '#lib/password-hash.ts';
import { Passwords, type PasswordsOptions } from './passwords.ts';

const BCRYPT = '$2b$10$PS94oWTG59qNs2r6gBB25uU/APgQwXh.gDKD21y2ShlcmU.sHoQx6';
const ARGON2 = '$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$azfZBd5qxhOl2u4YH28/7xKwTHeWsd0r8eHso4Brzb4';
const SHA1 = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=';

function hashOf(text: string): PasswordHash {
  const parsed = parsePasswordHash(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

let opened: Passwords[] = [];

function open(options: PasswordsOptions = {}): Passwords {
  const passwords = new Passwords(options);
  opened.push(passwords);
  return passwords;
}

afterEach(async () => {
  await Promise.all(opened.map((each) => each.close()));
  opened = [];
});

describe('the verdict', () => {
  test.each([BCRYPT, BCRYPT.replace('2b', '2y'), ARGON2, SHA1])('of %s', async (text) => {
    const passwords = open();
    const hash = hashOf(text);
    const verdicts = await Promise.all(['secret', 'Secret', '', 'secret '].map(async (password) => passwords.verify(hash, password)));
    expect(verdicts).toEqual(['match', 'mismatch', 'mismatch', 'mismatch']);
  });

  test('of an unknown user is a mismatch that a hash was computed for', async () => {
    const verdict = open().verify(null, 'secret');
    expect(verdict).toBeInstanceOf(Promise);
    expect(await verdict).toBe('mismatch');
  });

  test('of a password of more than 1024 bytes is a mismatch', () => {
    expect(open().verify(hashOf(BCRYPT), 'é'.repeat(513))).toBe('mismatch');
  });
});

test('other work goes on during a verification', async () => {
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await open().verify(hashOf(BCRYPT), 'wrong');
  isOver = true;
  expect(turns).toBeGreaterThan(10);
});

describe('the memory', () => {
  test('has successes, until their time is over', async () => {
    let now = 0;
    const passwords = open({ now: () => now, remember: 100 });
    const verify = () => passwords.verify(hashOf(ARGON2), 'secret');
    await verify();
    now = 99;
    expect(verify()).toBe('match');
    now = 100;
    expect(verify()).toBeInstanceOf(Promise);
  });

  test('has no failures, and no success for another password or another hash', async () => {
    const passwords = open();
    await Promise.all([passwords.verify(hashOf(ARGON2), 'secret'), passwords.verify(hashOf(ARGON2), 'wrong')]);
    expect(passwords.verify(hashOf(ARGON2), 'wrong')).toBeInstanceOf(Promise);
    expect(passwords.verify(hashOf(BCRYPT), 'secret')).toBeInstanceOf(Promise);
  });

  test('is bounded: the oldest success goes first', async () => {
    const passwords = open({ remembered: 1 });
    await passwords.verify(hashOf(ARGON2), 'secret');
    await passwords.verify(hashOf(BCRYPT), 'secret');
    expect(passwords.verify(hashOf(BCRYPT), 'secret')).toBe('match');
    expect(passwords.verify(hashOf(ARGON2), 'secret')).toBeInstanceOf(Promise);
  });
});

describe('the queue', () => {
  test('refuses what does not fit, and the rest is verified', async () => {
    const passwords = open({ parallel: 1, waiting: 2 });
    const verdicts = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(async (password) => passwords.verify(hashOf(BCRYPT), password)));
    expect(verdicts).toEqual(['mismatch', 'mismatch', 'mismatch', 'busy', 'busy']);
  });

  test('has one place for the same credentials', async () => {
    const passwords = open({ parallel: 1, waiting: 0 });
    const verdicts = await Promise.all(Array.from({ length: 5 }, async () => passwords.verify(hashOf(BCRYPT), 'secret')));
    expect(verdicts).toEqual(Array.from({ length: 5 }, () => 'match'));
  });

  test('gives up a verification that takes too long, and goes on with the next', async () => {
    const passwords = open({ parallel: 1, timeout: 1 });
    expect(await Promise.all([passwords.verify(hashOf(BCRYPT), 'a'), passwords.verify(hashOf(BCRYPT), 'b')])).toEqual(['busy', 'busy']);
    const patient = open({ parallel: 1 });
    expect(await patient.verify(hashOf(BCRYPT), 'secret')).toBe('match');
  });

  test('survives the end of its threads', async () => {
    const passwords = open({ parallel: 1 });
    const cut = passwords.verify(hashOf(BCRYPT), 'a');
    await passwords.close();
    expect(await cut).toBe('busy');
    expect(await passwords.verify(hashOf(BCRYPT), 'secret')).toBe('match');
  });
});
