// The rules of new passwords.
import { describe, expect, test } from '@jest/globals';
import { EXAMPLE_PASSWORD } from './examples.ts';
import { isCommonPassword } from './common-passwords.ts';
import { checkPassword, makePassword } from './passwords.ts';

describe('a new password', () => {
  test.each([
    ['of eleven characters', 'kX9 vt#2 qLm', false],
    ['with eleven characters of two units', '😀'.repeat(11), true],
  ])('%s is counted by characters', (_, password, isShort) => {
    const checked = checkPassword(password, 'ana');
    expect(!checked.ok && checked.error.includes('needs 12')).toBe(isShort);
  });

  test('may have 64 characters and more, of any kind, and up to 256', () => {
    for (const password of ['nine red kites at dawn '.repeat(3), 'ü€😀 '.repeat(20) + 'kite wood lamp', 'correct horse battery staple'])
      expect(checkPassword(password, 'ana')).toEqual({ ok: true, value: password });
    expect(checkPassword(`kite wood lamp ${'x y z w '.repeat(40)}`, 'ana').ok).toBe(false);
  });

  test.each([
    ...['password1234', 'Passw0rd!2024', 'P@$$w0rd12345', '123456789012', '1q2w3e4r5t6y', '1qaz2wsx3edc', 'qwertyuiop123', 'iloveyou1234'],
    ...[
      'Summer2025!!',
      'administrator',
      'admin1234567',
      'Welcome12345',
      'letmein123456',
      'footballfootball',
      'kubernetes2026',
      'abcdefghijkl',
    ],
    ...['aaaaaaaaaaab', 'kitenkitenkiten', 'WeirGateway1!', 'changeme12345', '................', 'qwertzuiop1234', 'monkeydragon12'],
  ])('%s is common, and refused', (password) => {
    expect(checkPassword(password, 'ana').ok).toBe(false);
  });

  test('has no name of the user in it', () => {
    expect(checkPassword('a kite of ana-maria here', 'ana-maria')).toMatchObject({ error: 'has the name of the user in it' });
  });

  test('that the program makes follows the rules', () => {
    for (let count = 0; count < 200; count++) expect(checkPassword(makePassword(), 'admin').ok).toBe(true);
    expect(isCommonPassword(EXAMPLE_PASSWORD)).toBe(false);
  });
});
