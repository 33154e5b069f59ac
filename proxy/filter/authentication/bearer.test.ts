import { expect, test } from '@jest/globals';
import { insufficientScope } from './bearer.ts';

test('the challenge lists the scopes, unless one could end its quotes', () => {
  expect(insufficientScope(['read', 'a:b'])).toMatchObject({ challenge: 'Bearer error="insufficient_scope", scope="read a:b"' });
  expect(insufficientScope(['read', 'a"b'])).toMatchObject({ challenge: 'Bearer error="insufficient_scope"' });
});
