import { expect, test } from '@jest/globals';
import { checkAuthentication } from './authentication-rules.ts';

const reason = 'needs sessionStore: Redis, since nothing ends a cookie';

test('a parameter that the login sets, and one that is listed twice, are refused', () => {
  const authorizationParameters = ['prompt', 'state', 'prompt', 'redirect_uri'].map((name) => ({ name, value: 'a' }));
  const found = checkAuthentication({ oidc: { authorizationParameters } }, 'spec.authentication');
  const at = 'spec.authentication.oidc.authorizationParameters';
  expect(found).toEqual([
    { field: `${at}[1].name`, reason: 'is set by the login itself: remove it' },
    { field: `${at}[3].name`, reason: 'is set by the login itself: remove it' },
    { field: `${at}[2].name`, reason: 'is listed twice' },
  ]);
});

test.each([
  [{ sessionIdleTimeout: '1h' }, ['sessionIdleTimeout']],
  [{ sessionStore: 'Cookie', backChannelLogoutPath: '/end', sessionIdleTimeout: '1h' }, ['sessionIdleTimeout', 'backChannelLogoutPath']],
  [{ sessionStore: 'Redis', backChannelLogoutPath: '/end', sessionIdleTimeout: '1h' }, []],
  [{}, []],
])('sessions in cookies cannot be ended: %j', (oidc, fields) => {
  const expected = fields.map((field) => ({ field: `spec.authentication.anyOf[0].oidc.${field}`, reason }));
  expect(checkAuthentication({ anyOf: [{ oidc }] }, 'spec.authentication')).toEqual(expected);
});
