// One-time passwords: the values of RFC 6238, clocks that differ, and codes that are used twice.
import { expect, test } from '@jest/globals';
import { makeTotpSecret, totpCode, totpStep, totpUri } from './totp.ts';

/** Of RFC 6238, appendix B: the ASCII text 12345678901234567890. */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('at %s seconds the code is that of RFC 6238', (seconds, code) => {
  expect(totpCode(SECRET, seconds * 1_000)).toBe(code);
});

test('a code of the step before or after is valid, and one of two steps away is not', () => {
  const now = 1_234_567_890_000;
  const steps = [-2, -1, 0, 1, 2].map((away) => totpStep(SECRET, totpCode(SECRET, now + away * 30_000), now, 0));
  const step = Math.floor(now / 30_000);
  expect(steps).toEqual([null, step - 1, step, step + 1, null]);
});

test('a code that was used is refused, and so is an older one', () => {
  const now = 1_234_567_890_000;
  const step = totpStep(SECRET, totpCode(SECRET, now), now, 0) ?? 0;
  expect(totpStep(SECRET, totpCode(SECRET, now), now, step)).toBeNull();
  expect(totpStep(SECRET, totpCode(SECRET, now - 30_000), now, step)).toBeNull();
  expect(totpStep(SECRET, totpCode(SECRET, now + 30_000), now, step)).toBe(step + 1);
});

test.each(['', '28708', '2870820', '２８７０８２', 'abcdef', '-87082'])('%j is no code', (code) => {
  expect(totpStep(SECRET, code, 59_000, 0)).toBeNull();
});

test('secrets have 160 bits, differ, and are in the address for apps', () => {
  const secret = makeTotpSecret();
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  expect(makeTotpSecret()).not.toBe(secret);
  const uri = new URL(totpUri(secret, 'a b/c?d'));
  expect([uri.protocol, uri.pathname, uri.searchParams.get('secret'), uri.searchParams.get('period')]).toEqual([
    'otpauth:',
    '/Weir:a%20b%2Fc%3Fd',
    secret,
    '30',
  ]);
});
