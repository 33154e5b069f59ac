// SecurityPolicies from the user's objects to requests: addresses, headers, CORS, and refusals while a policy cannot be applied.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, get } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { SecurityRig, securityPolicy } from './rig.ts';

closeAfterEach();

const GATEWAY = { kind: 'Gateway', name: 'gw' };

describe('ipAccess', () => {
  test('refuses addresses that are denied or not allowed with 403', async () => {
    const rig = await SecurityRig.start([securityPolicy('ip', { ipAccess: { allow: ['127.0.0.0/29'], deny: ['127.0.0.3/32'] } })]);
    const answers = await Promise.all(['127.0.0.1', '127.0.0.3', '127.0.0.9'].map((from) => rig.ask(get(), from)));
    expect(answers.map(status)).toEqual([200, 403, 403]);
    expect(answers[1]?.body.toString()).toContain('access_denied');
  });

  test('of a nearer policy replaces both lists', async () => {
    const ofGateway = securityPolicy('wide', { ipAccess: { deny: ['127.0.0.0/8'] } }, GATEWAY);
    const rig = await SecurityRig.start([ofGateway]);
    expect(status(await rig.ask(get()))).toBe(403);
    await rig.change([securityPolicy('near', { ipAccess: { allow: ['127.0.0.1/32'] } })]);
    expect(status(await rig.ask(get()))).toBe(200);
    expect(status(await rig.ask(get(), '127.0.0.2'))).toBe(403);
  });
});

describe('securityHeaders', () => {
  test('replace those of the backend, also in answers of the proxy', async () => {
    const securityHeaders = {
      frameOptions: 'Deny',
      contentTypeOptions: 'NoSniff',
      referrerPolicy: 'no-referrer',
      contentSecurityPolicy: "default-src 'self'",
    };
    const rig = await SecurityRig.start([securityPolicy('headers', { securityHeaders, ipAccess: { deny: ['127.0.0.2/32'] } })]);
    for (const from of ['127.0.0.1', '127.0.0.2']) {
      const answer = await rig.ask(get(), from);
      expect(
        ['x-frame-options', 'x-content-type-options', 'referrer-policy', 'content-security-policy'].map((name) => header(answer, name)),
      ).toEqual(['DENY', 'nosniff', 'no-referrer', "default-src 'self'"]);
    }
  });

  test('leave other headers of the backend, and promise HTTPS over HTTPS only', async () => {
    const rig = await SecurityRig.start([securityPolicy('headers', { securityHeaders: { strictTransportSecurity: { maxAge: '1h' } } })]);
    const answer = await rig.ask(get());
    expect(header(answer, 'x-frame-options')).toBe('BACKEND');
    expect(header(answer, 'strict-transport-security')).toBeUndefined();
  });
});

describe('cors', () => {
  const cors = { allowOrigins: ['https://app.test'], allowMethods: ['PUT'], maxAge: '1m' };
  const preflight = 'OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://app.test\r\nAccess-Control-Request-Method: PUT\r\n\r\n';

  test('answers preflights, and tells pages that they may read answers', async () => {
    const rig = await SecurityRig.start([securityPolicy('cors', { cors })]);
    const answer = await rig.ask(preflight);
    expect([status(answer), header(answer, 'access-control-allow-methods'), header(answer, 'access-control-max-age')]).toEqual([
      204,
      'PUT',
      '60',
    ]);
    const read = await rig.ask(get('/', 'Origin: https://app.test\r\n'));
    expect([status(read), header(read, 'access-control-allow-origin')]).toEqual([200, 'https://app.test']);
  });

  test('answers a preflight for a rule that matches the announced method only', async () => {
    const rig = await SecurityRig.start([securityPolicy('cors', { cors })], { matches: [{ method: 'PUT' }] });
    expect(status(await rig.ask(preflight))).toBe(204);
    await rig.change([], [securityPolicy('cors', { cors })]);
    expect(status(await rig.ask(preflight))).toBe(404);
  });

  test('of the rule itself wins', async () => {
    const filters = [{ type: 'CORS', cors: { allowOrigins: ['https://rule.test'] } }];
    const rig = await SecurityRig.start([securityPolicy('cors', { cors })], { filters });
    const answer = await rig.ask(preflight);
    expect([status(answer), header(answer, 'access-control-allow-origin')]).toEqual([204, undefined]);
  });
});

describe('a policy that breaks a rule', () => {
  const broken = { ipAccess: { allow: ['127.0.0.1/33'] } };

  test('refuses the requests of its targets until it is valid, and says so', async () => {
    const rig = await SecurityRig.start([securityPolicy('ip', broken)]);
    const answer = await rig.ask(get());
    expect(status(answer)).toBe(500);
    expect(answer.body.toString()).toContain('policy_unresolved');
    expect(rig.condition('ip', 'Accepted')).toMatch(/^False Invalid: spec\.ipAccess\.allow\[0\]: .*policy_unresolved/);
    await rig.change([securityPolicy('ip', { ipAccess: {} })]);
    expect(status(await rig.ask(get()))).toBe(200);
    await rig.change([securityPolicy('ip', broken)]);
    expect(status(await rig.ask(get()))).toBe(500);
    await rig.change([], [securityPolicy('ip', broken)]);
    expect(status(await rig.ask(get()))).toBe(200);
  });

  test('keeps its targets against newer valid policies, and is not replaced by those of the Gateway', async () => {
    const rig = await SecurityRig.start([
      { ...securityPolicy('a', broken), metadata: { name: 'a', creationTimestamp: '2020-01-01T00:00:00Z' } },
      { ...securityPolicy('b', { ipAccess: {} }), metadata: { name: 'b', creationTimestamp: '2021-01-01T00:00:00Z' } },
      securityPolicy('gateway', { ipAccess: {} }, GATEWAY),
    ]);
    expect(status(await rig.ask(get()))).toBe(500);
  });

  test('refuses the requests of every listener of its Gateway', async () => {
    const rig = await SecurityRig.start([securityPolicy('ip', broken, GATEWAY), securityPolicy('near', { ipAccess: {} })]);
    expect(status(await rig.ask(get()))).toBe(500);
  });
});

describe('a policy of the wrong form', () => {
  const malformed = { ipAccess: 'everybody' };

  test('refuses the requests of the targets that can be read, unless it was valid before', async () => {
    const rig = await SecurityRig.start([securityPolicy('ip', malformed)]);
    expect(status(await rig.ask(get()))).toBe(500);
    expect(rig.condition('ip', 'Accepted')).toMatch(/^False Invalid: spec\.ipAccess: must be an object/);
    await rig.change([securityPolicy('ip', { ipAccess: { deny: ['127.0.0.1/32'] } })]);
    expect(status(await rig.ask(get()))).toBe(403);
    await rig.change([securityPolicy('ip', malformed)]);
    expect(status(await rig.ask(get()))).toBe(403);
    await rig.change([], [securityPolicy('ip', malformed)]);
    expect(status(await rig.ask(get()))).toBe(200);
  });
});
