import { expect, test } from '@jest/globals';
import { parseBlockSubject } from './block-subject.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['192.0.2.7/32', '192.0.2.7'],
  ['192.0.2.7/24', '192.0.2.0/24'],
  ['2001:DB8:0:0::7', '2001:db8::7'],
  ['2001:db8::7/64', '2001:db8::/64'],
  ['principal:alice', 'principal:alice'],
  ['consumer:shop/alice', 'consumer:shop/alice'],
])('%s means %s', (text, canonical) => {
  expect(parseBlockSubject(text)).toMatchObject({ ok: true, value: { text: canonical } });
});

test.each([
  '',
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/33',
  '10.0.0.256',
  'alice',
  'principal:',
  'principal:a\nb',
  'consumer:alice',
  'consumer:a/b/c',
])('%j is refused', (text) => {
  expect(parseBlockSubject(text).ok).toBe(false);
});
