import { expect, test } from '@jest/globals';
import { checkAuthentication } from './authentication-rules.ts';

const reason = 'needs sessionStore: Redis, since nothing ends a cookie';

test.each([
  [{ sessionIdleTimeout: '1h' }, ['sessionIdleTimeout']],
  [{ sessionStore: 'Cookie', backChannelLogoutPath: '/end', sessionIdleTimeout: '1h' }, ['sessionIdleTimeout', 'backChannelLogoutPath']],
  [{ sessionStore: 'Redis', backChannelLogoutPath: '/end', sessionIdleTimeout: '1h' }, []],
  [{}, []],
])('sessions in cookies cannot be ended: %j', (oidc, fields) => {
  const expected = fields.map((field) => ({ field: `spec.authentication.anyOf[0].oidc.${field}`, reason }));
  expect(checkAuthentication({ anyOf: [{ oidc }] }, 'spec.authentication')).toEqual(expected);
});
