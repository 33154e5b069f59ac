import { expect, test } from '@jest/globals';
import { Revision } from './revision.ts';

test('the content of a configuration determines its revision, in any order', () => {
  const [one, other] = [new Revision(), new Revision()];
  one.set('Route', 'a', '1');
  one.set('Cluster', 'a', '1');
  other.set('Cluster', 'a', '0');
  other.set('Route', 'b', '1');
  other.set('Route', 'a', '1');
  expect(other.text).not.toBe(one.text);
  other.set('Cluster', 'a', '1');
  other.delete('Route', 'b');
  other.delete('Route', 'never');
  expect(other.text).toBe(one.text);
  expect(one.text).toMatch(/^[0-9a-f]{16}$/);
});

test('an empty configuration has a revision', () => {
  const revision = new Revision();
  revision.set('Route', 'a', '1');
  revision.delete('Route', 'a');
  expect(revision.text).toBe('0'.repeat(16));
});
