// Decisions of authorization: order, conditions, and what counts as matching when something is missing.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { ClientFacts, PrincipalFacts, RequestFacts, type Facts } from '../expression/facts.ts';
import { Authorization } from './authorization.ts';
import type { AuthorizationSettings, RuleSettings } from './conditions.ts';
import type { AccessSubject } from './subject.ts';

const ALICE = {
  id: 'alice',
  method: 'jwt',
  groups: ['customers'],
  consumer: 'default/alice',
  plan: 'gold',
  claims: JSON.parse(
    '{"level":3,"team":["a","b"],"scope":"read write","realm":{"roles":["admin"]},"a.b":"c","__proto__":{"evil":"x"}}',
  ) as Record<string, unknown>,
};

const REQUEST: AccessSubject = {
  method: 'GET',
  path: '/orders/42',
  requestHeaders: ['x-team', 'red', 'x-role', 'user', 'x-role', 'admin'],
  clientAddress: '10.1.2.3',
  principal: ALICE,
};

function factsOf({ method, path, requestHeaders, clientAddress, principal }: AccessSubject): Facts {
  return {
    request: new RequestFacts({ method, scheme: 'http', host: 'a', path, query: '', headers: requestHeaders, size: 0 }),
    client: new ClientFacts(clientAddress),
    principal: new PrincipalFacts(principal),
    now: new Date(),
  };
}

function decide(settings: AuthorizationSettings, subject: Partial<AccessSubject> = {}): string {
  const { allowed, rule } = new Authorization(settings, factsOf).decide({ ...REQUEST, ...subject });
  return `${allowed ? 'allowed' : 'denied'} by ${rule || 'default'}`;
}

function matches(
  rule: Omit<RuleSettings, 'name' | 'action'>,
  subject: Partial<AccessSubject> = {},
  action: 'Allow' | 'Deny' = 'Allow',
): boolean {
  return decide({ rules: [{ name: 'r', action, ...rule }] }, subject).endsWith('by r');
}

describe('the decision', () => {
  test('is to refuse if no rule matches, unless the policy says otherwise', () => {
    expect(decide({})).toBe('denied by default');
    expect(decide({ defaultAction: 'Allow' })).toBe('allowed by default');
  });

  test('is that of the first rule that matches', () => {
    const rules: RuleSettings[] = [
      { name: 'other', action: 'Deny', principal: { ids: ['bob'] } },
      { name: 'first', action: 'Deny', principal: { ids: ['alice'] } },
      { name: 'second', action: 'Allow' },
    ];
    expect(decide({ rules })).toBe('denied by first');
    expect(decide({ rules: [...rules].reverse() })).toBe('allowed by second');
  });

  test('needs all conditions of a rule', () => {
    expect(matches({ principal: { ids: ['alice'], groups: ['staff'] } })).toBe(false);
    expect(matches({ principal: { ids: ['alice'], groups: ['staff', 'customers'] }, operation: { methods: ['GET'] } })).toBe(true);
  });

  test('with an expression without a value does not allow, and denies', () => {
    const when = 'principal.claims.missing == "x"';
    expect(matches({ when })).toBe(false);
    expect(matches({ when }, {}, 'Deny')).toBe(true);
    expect(matches({ when, principal: { ids: ['bob'] } }, {}, 'Deny')).toBe(false);
    const { undecided } = new Authorization({ rules: [{ name: 'r', action: 'Deny', when }] }, factsOf).decide(REQUEST);
    expect(undecided).toBe(true);
  });
});

describe('conditions on the caller', () => {
  test.each<[RuleSettings['principal'], boolean]>([
    [{ ids: ['alice'] }, true],
    [{ ids: ['Alice'] }, false],
    [{ groups: ['customers'] }, true],
    [{ consumers: ['default/alice'] }, true],
    [{ consumers: ['alice'] }, false],
    [{ plans: ['gold'] }, true],
    [{ methods: ['jwt'] }, true],
    [{ methods: ['basic'] }, false],
    [{ claims: [{ name: 'level', values: ['3'] }] }, true],
    [{ claims: [{ name: 'team', values: ['b'] }] }, true],
    [{ claims: [{ name: 'team', values: ['a,b'] }] }, false],
    [{ claims: [{ name: 'realm.roles', values: ['admin'] }] }, true],
    [{ claims: [{ name: 'a.b', values: ['c'] }] }, true],
    [{ claims: [{ name: 'realm', values: ['[object Object]'] }] }, false],
    [{ claims: [{ name: 'constructor', values: ['x'] }] }, false],
    [{ claims: [{ name: 'evil', values: ['x'] }] }, false],
    [
      {
        claims: [
          { name: 'level', values: ['3'] },
          { name: 'team', values: ['z'] },
        ],
      },
      false,
    ],
    [{ scopes: ['read'] }, true],
    [{ scopes: ['read', 'delete'] }, false],
    [{ scopes: ['rea'] }, false],
    [{ clientCIDRs: ['10.0.0.0/8'] }, true],
    [{ clientCIDRs: ['192.0.2.0/24'] }, false],
  ])('%j', (principal, expected) => {
    expect(matches({ principal: principal as NonNullable<RuleSettings['principal']> })).toBe(expected);
  });

  test('without a caller hold for none', () => {
    const conditions: RuleSettings['principal'][] = [
      { ids: ['alice', 'x'] },
      { groups: ['customers'] },
      { consumers: ['default/alice'] },
      { plans: ['gold'] },
      { methods: ['anonymous'] },
      { claims: [{ name: 'level', values: ['3'] }] },
      { scopes: ['read'] },
    ];
    for (const principal of conditions)
      expect(matches({ principal: principal as NonNullable<typeof principal> }, { principal: null })).toBe(false);
  });

  test('roles and permissions are those of the id, a group or the consumer', () => {
    const roles = [
      { name: 'reader', permissions: ['orders:read'], groups: ['customers'] },
      { name: 'writer', permissions: ['orders:read', 'orders:write'], principals: ['bob'], consumers: ['default/carol'] },
    ];
    const may = (permission: string, principal: AccessSubject['principal']): string =>
      decide({ roles, rules: [{ name: 'r', action: 'Allow', principal: { permissions: [permission] } }] }, { principal });
    expect(may('orders:read', ALICE)).toBe('allowed by r');
    expect(may('orders:write', ALICE)).toBe('denied by default');
    expect(may('orders:write', { ...ALICE, id: 'bob' })).toBe('allowed by r');
    expect(may('orders:write', { ...ALICE, consumer: 'default/carol' })).toBe('allowed by r');
    expect(may('orders:read', null)).toBe('denied by default');
    expect(decide({ roles, rules: [{ name: 'r', action: 'Allow', principal: { roles: ['reader'] } }] })).toBe('allowed by r');
  });

  test('a header with several lines allows only if all match, and denies if one does', () => {
    const headers = [{ name: 'X-Role', values: ['admin'] }];
    expect(matches({ principal: { headers } })).toBe(false);
    expect(matches({ principal: { headers } }, {}, 'Deny')).toBe(true);
    expect(matches({ principal: { headers: [{ name: 'x-role', values: ['admin', 'user'] }] } })).toBe(true);
    expect(matches({ principal: { headers: [{ name: 'x-team' }] } })).toBe(true);
    expect(matches({ principal: { headers: [{ name: 'x-none' }] } }, {}, 'Deny')).toBe(false);
    expect(matches({ principal: { headers: [{ name: 'x-team', values: ['blue'] }] } }, {}, 'Deny')).toBe(false);
  });
});

describe('conditions on paths', () => {
  test.each<[NonNullable<NonNullable<RuleSettings['operation']>['paths']>[number], string, boolean]>([
    [{ type: 'Exact', value: '/a' }, '/a', true],
    [{ type: 'Exact', value: '/a' }, '/a/', false],
    [{ type: 'Exact', value: '/%61' }, '/a', true],
    [{ value: '/a' }, '/a', true],
    [{ value: '/a' }, '/a/b', true],
    [{ value: '/a' }, '/ab', false],
    [{ value: '/a/' }, '/a', true],
    [{ value: '/' }, '/x', true],
    [{ type: 'Template', value: '/users/{id}' }, '/users/7', true],
    [{ type: 'Template', value: '/users/{id}' }, '/users/', false],
    [{ type: 'Template', value: '/users/{id}' }, '/users/7/keys', false],
    [{ type: 'Template', value: '/users/{id}' }, '/users', false],
    [{ type: 'Template', value: '/users/{id}/keys/**' }, '/users/7/keys', true],
    [{ type: 'Template', value: '/users/{id}/keys/**' }, '/users/7/keys/8/x', true],
    [{ type: 'Template', value: '/users/{id}/keys/**' }, '/users/7/keysX', false],
    [{ type: 'Template', value: '/{a}//b' }, '/x//b', true],
    [{ type: 'Template', value: '/**' }, '/', true],
    [{ type: 'Template', value: '/a%2fb/{c}' }, '/a%2Fb/c', true],
  ])('%j and %s', (path, asked, expected) => {
    expect(matches({ operation: { paths: [path] } }, { path: asked })).toBe(expected);
  });
});

describe('times', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  // A Monday; Berlin is two hours ahead of UTC.
  test.each<[string, NonNullable<RuleSettings['times']>[number], boolean]>([
    ['2026-05-04T08:00:00Z', { from: '08:00', to: '18:00' }, true],
    ['2026-05-04T18:00:00Z', { from: '08:00', to: '18:00' }, false],
    ['2026-05-04T07:00:00Z', { from: '08:00', to: '18:00', zone: 'Europe/Berlin' }, true],
    ['2026-05-04T07:00:00Z', { from: '08:00', to: '18:00' }, false],
    ['2026-05-04T12:00:00Z', { days: ['Tuesday'] }, false],
    ['2026-05-04T22:30:00Z', { days: ['Tuesday'], zone: 'Europe/Berlin' }, true],
    ['2026-05-05T01:00:00Z', { days: ['Monday'], from: '22:00', to: '06:00' }, true],
    ['2026-05-04T01:00:00Z', { days: ['Monday'], from: '22:00', to: '06:00' }, false],
    ['2026-05-04T23:59:00Z', { days: ['Monday'], from: '22:00', to: '24:00' }, true],
  ])('%s and %j', (now, time, expected) => {
    jest.useFakeTimers({ now: new Date(now) });
    expect(matches({ times: [time] })).toBe(expected);
  });
});

test('the explanation has the condition of each rule that failed before the one that decides', () => {
  const settings: AuthorizationSettings = {
    rules: [
      { name: 'staff', action: 'Allow', principal: { groups: ['staff'] } },
      { name: 'late', action: 'Deny', when: 'request.method == "PUT"' },
      { name: 'read', action: 'Allow', operation: { methods: ['GET'] } },
      { name: 'never', action: 'Deny' },
    ],
  };
  expect(new Authorization(settings, factsOf).explain(REQUEST)).toEqual({
    ...{ allowed: true, rule: 'read', undecided: false, enforced: true },
    rules: [
      { rule: 'staff', action: 'Allow', failed: 'principal.groups' },
      { rule: 'late', action: 'Deny', failed: 'when' },
      { rule: 'read', action: 'Allow', failed: '' },
    ],
  });
});
