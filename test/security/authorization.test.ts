// The authorization of SecurityPolicies from the user's objects to requests.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, get } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { SecurityRig, securityPolicy } from './rig.ts';

closeAfterEach();

const BOB = `Authorization: Basic ${Buffer.from('bob:secret').toString('base64')}\r\n`;
const USERS = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'staff' },
  data: { htpasswd: Buffer.from('bob:$2b$10$PS94oWTG59qNs2r6gBB25uU/APgQwXh.gDKD21y2ShlcmU.sHoQx6').toString('base64') },
};
const AUTHENTICATION = { basic: { users: { secretRef: { name: 'staff' }, key: 'htpasswd' } } };

function rules(authorization: object): ReturnType<typeof securityPolicy> {
  return securityPolicy('rules', { authorization });
}

test('rules decide in their order, and a request that none matches is refused', async () => {
  const rig = await SecurityRig.start([
    rules({
      rules: [
        { name: 'no-admin', action: 'Deny', operation: { paths: [{ value: '/api/admin' }] } },
        { name: 'read', action: 'Allow', operation: { methods: ['GET'], paths: [{ value: '/api' }] } },
      ],
    }),
  ]);
  const statuses = [];
  for (const path of ['/api/orders', '/api/admin/keys', '/other', '/api/x/../admin', '/api/%61dmin', '/api/./admin'])
    statuses.push(status(await rig.ask(get(path))));
  expect(statuses).toEqual([200, 403, 403, 403, 403, 403]);
  const post = await rig.ask('POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  expect([status(post), post.body.toString()]).toEqual([403, expect.stringContaining('"code":"access_denied"')]);
  const metrics = await rig.proxy.worker.registry.metrics();
  const labels = 'setting="authorization",policy="SecurityPolicy/default/rules"';
  expect(metrics).toContain(`weir_policy_refusals_total{${labels},rule="no-admin",outcome="refused"} 4`);
  expect(metrics).toContain(`weir_policy_refusals_total{${labels},rule="",outcome="refused"} 2`);
});

test('a gRPC call is refused with PERMISSION_DENIED', async () => {
  const rig = await SecurityRig.start([rules({})]);
  const answer = await rig.ask(
    'POST /a.B/C HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n',
  );
  expect([status(answer), header(answer, 'grpc-status')]).toEqual([200, '7']);
});

test('in DryRun every request passes, and the metric tells what would be refused', async () => {
  const rig = await SecurityRig.start([rules({ mode: 'DryRun' })]);
  expect(status(await rig.ask(get()))).toBe(200);
  expect(await rig.proxy.worker.registry.metrics()).toMatch(/weir_policy_refusals_total\{.*outcome="dry_run"\} 1/);
});

test('roles are those of the authenticated caller, and a change of them holds for the next request', async () => {
  const policy = (permissions: readonly string[]): ReturnType<typeof securityPolicy> =>
    securityPolicy('rules', {
      authentication: AUTHENTICATION,
      authorization: {
        roles: [
          { name: 'clerk', permissions, principals: ['bob'] },
          { name: 'chief', permissions: ['orders:delete'], principals: ['eve'] },
        ],
        rules: [{ name: 'delete', action: 'Allow', principal: { permissions: ['orders:delete'] } }],
      },
    });
  const rig = await SecurityRig.start([USERS, policy(['orders:read'])]);
  expect([status(await rig.ask(get())), status(await rig.ask(get('/', BOB)))]).toEqual([401, 403]);
  await rig.change([policy(['orders:delete'])]);
  expect(status(await rig.ask(get('/', BOB)))).toBe(200);
});

test('a client that claims to be a caller in headers is none', async () => {
  const rig = await SecurityRig.start([rules({ rules: [{ name: 'bob', action: 'Allow', principal: { ids: ['bob'] } }] })]);
  expect(status(await rig.ask(get('/', `${BOB}X-User: bob\r\nX-Forwarded-User: bob\r\n`)))).toBe(403);
});

test('an expression without a value refuses with a rule that denies', async () => {
  const rig = await SecurityRig.start([
    rules({ defaultAction: 'Allow', rules: [{ name: 'team', action: 'Deny', when: 'request.headers["x-team"] == "red"' }] }),
  ]);
  const statuses = [];
  for (const headers of ['', 'X-Team: red\r\n', 'X-Team: blue\r\n']) statuses.push(status(await rig.ask(get('/', headers))));
  expect(statuses).toEqual([403, 403, 200]);
});

describe('a policy is invalid and refuses its requests', () => {
  test.each([
    [
      'if two rules have one name',
      {
        rules: [
          { name: 'a', action: 'Allow' },
          { name: 'a', action: 'Deny' },
        ],
      },
      'spec.authorization.rules[1].name',
    ],
    ['if a role is unknown', { rules: [{ name: 'a', action: 'Allow', principal: { roles: ['x'] } }] }, 'principal.roles[0]'],
    ['if a zone is unknown', { rules: [{ name: 'a', action: 'Allow', times: [{ zone: 'Mars/Base' }] }] }, 'times[0].zone'],
    [
      'if a template is wrong',
      { rules: [{ name: 'a', action: 'Allow', operation: { paths: [{ type: 'Template', value: '/a*' }] } }] },
      'paths[0].value',
    ],
    ['if a path is wrong', { rules: [{ name: 'a', action: 'Allow', operation: { paths: [{ value: '/../x' }] } }] }, 'paths[0].value'],
    ['if an expression is wrong', { rules: [{ name: 'a', action: 'Allow', when: 'nobody' }] }, 'rules[0].when'],
    ['if a header has no name', { rules: [{ name: 'a', action: 'Deny', principal: { headers: [{}] } }] }, 'principal.headers[0]'],
    ['if a rule has no action', { rules: [{ name: 'a' }] }, 'action'],
  ])('%s', async (_, authorization, field) => {
    const rig = await SecurityRig.start([rules(authorization)]);
    expect(status(await rig.ask(get()))).toBe(500);
    expect(rig.condition('rules', 'Accepted')).toContain(field);
  });
});
