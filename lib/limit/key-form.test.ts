import { expect, test } from '@jest/globals';
import { joinedKey, keyDigest, shownKey } from './key-form.ts';

const address = { name: 'clientIP', isSecret: false };
const token = { name: 'header.x-token', isSecret: true };
const claim = { name: 'claim.team', isSecret: false };

test('an address is shown as it is, and requests without a key have a name', () => {
  expect(shownKey({ parts: [address], isDigest: false }, '192.0.2.7')).toBe('clientIP=192.0.2.7');
  expect(shownKey({ parts: [], isDigest: false }, '')).toBe('all requests');
});

test('a value of a header is shown as a digest only, alone, among others, and in a key that is a digest', () => {
  const digest = `sha256:${keyDigest('secret').slice(0, 16)}`;
  expect(shownKey({ parts: [token], isDigest: false }, 'secret')).toBe(`header.x-token=${digest}`);
  expect(shownKey({ parts: [token], isDigest: true }, keyDigest('secret'))).toBe(`header.x-token=${digest}`);
  const shown = shownKey({ parts: [address, token], isDigest: false }, joinedKey(['::1', 'secret']));
  expect(shown).toBe(`clientIP=::1, header.x-token=${digest}`);
});

test('no value looks like another part, or like a missing value', () => {
  const form = { parts: [claim, address], isDigest: false };
  expect(shownKey(form, joinedKey(['a, clientIP=1', '2']))).toBe('claim.team="a, clientIP=1", clientIP=2');
  expect(shownKey(form, joinedKey(['none', '']))).toBe('claim.team="none", clientIP=none');
  expect(shownKey(form, joinedKey(['a\u001b[1m', '2']))).toBe('claim.team="a\\u001b[1m", clientIP=2');
});
