import { expect, test } from '@jest/globals';
import { needsPrincipal } from './limit-keys.ts';

test.each([
  ['principal.plan == "free"', true],
  ['request.path == "/a" && !("x" in principal.claims)', true],
  ['request.headers["principal"] == "principal"', false],
])('a limit with the expression %s follows authentication: %s', (match, follows) => {
  expect(needsPrincipal({ name: 'a', match })).toBe(follows);
});
