// Attacks on logins, sessions and second factors, on real stores.
import { expect, test } from '@jest/globals';
import { describeAdminStores, type OpenAdminStore } from '../../test/support/admin-stores.ts';
import { CountedPasswords, IdentityRig, PASSWORD_OF_ALL, refusal, value } from '../../test/support/identity-rig.ts';
import { totpCode } from './totp.ts';

const MINUTE = 60_000;

describeAdminStores({ logins: testLogins, sessions: testSessions, 'a second factor': testASecondFactor });

function testLogins(open: OpenAdminStore): void {
  test('begin a session, whose caller has the rights of its user', async () => {
    const rig = new IdentityRig(open());
    const admin = await rig.admin();
    expect(admin).toMatchObject({ kind: 'user', name: 'admin' });
    expect([admin.may('users:write', null), admin.may('configuration:read', 'shop')]).toEqual([true, true]);
    const viewer = await rig.user(admin, 'ana', { role: 'viewer' });
    expect([viewer.may('users:read', null), viewer.may('configuration:read', 'shop')]).toEqual([false, true]);
  });

  test('do not take over the session that an attacker has planted, and end the one before', async () => {
    const rig = new IdentityRig(open());
    await rig.admin();
    const planted = value(await rig.login('admin', { formerSecret: 'planted-by-an-attacker' }));
    expect(planted.secret).not.toBe('planted-by-an-attacker');
    expect(refusal(await rig.authenticate({ secret: 'planted-by-an-attacker' }))).toBe('401 credentials-invalid');
    const next = value(await rig.login('admin', { formerSecret: planted.secret }));
    expect(refusal(await rig.authenticate({ secret: planted.secret }))).toBe('401 credentials-invalid');
    expect(refusal(await rig.authenticate({ secret: next.secret }))).toBe('ok');
    expect(next.csrfToken).not.toBe(planted.csrfToken);
  });

  test('cost the same for users that do not exist, are disabled, or have no password, and answer the same', async () => {
    const rig = new IdentityRig(open());
    const admin = await rig.admin();
    await rig.user(admin, 'off', { role: 'viewer' });
    value(await rig.identity.users.update(admin, 'off', null, { disabled: true }));
    value(await rig.identity.users.create({ name: 'robot', displayName: '', password: null, withoutPassword: true }));
    rig.passwords.verified.length = 0;
    const results = [];
    for (const name of ['admin', 'nobody', 'off', 'robot'])
      results.push(await rig.login(name, { password: 'wrong password', address: name }));
    results.push(await rig.login('off', { address: 'x' }));
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(results.map(refusal)).toEqual(Array(5).fill('401 login-refused'));
    expect(rig.passwords.verified).toEqual([expect.stringContaining('$argon2id$'), null, null, null, null]);
  });

  test('wait after five failures of a user name, known or not, also if they come at the same time', async () => {
    const rig = new IdentityRig(open());
    await rig.admin();
    for (const user of ['admin', 'nobody']) {
      const guesses = Array.from({ length: 12 }, (_, i) => rig.login(user, { password: `guess number ${i}`, address: `198.51.100.${i}` }));
      const results = (await Promise.all(guesses)).map(refusal);
      expect(results.filter((each) => each === '401 login-refused')).toHaveLength(5);
      expect(results.filter((each) => each === '429 login-throttled')).toHaveLength(7);
    }
    expect(await rig.login('admin')).toMatchObject({ error: { code: 'login-throttled', retryAfter: expect.any(Number) } });
    rig.later += 31_000;
    expect(refusal(await rig.login('admin', { password: 'guess' }))).toBe('401 login-refused');
    rig.later += 31_000;
    expect(refusal(await rig.login('admin'))).toBe('429 login-throttled');
    rig.later += 31_000;
    expect(refusal(await rig.login('admin'))).toBe('ok');
    expect(refusal(await rig.login('admin', { password: 'guess' }))).toBe('401 login-refused');
  });

  test('wait after twenty failures of an address with different user names; a /64 of IPv6 is one address', async () => {
    const rig = new IdentityRig(open());
    await rig.admin();
    const guess = async (user: string, address: string) => refusal(await rig.login(user, { password: 'guess', address }));
    for (let i = 0; i < 20; i++) expect(await guess(`user${i}`, `2001:db8::${i}`)).toBe('401 login-refused');
    expect(await guess('user20', '2001:db8::ffff')).toBe('429 login-throttled');
    expect(await guess('user20', '2001:db8:0:1::1')).toBe('401 login-refused');
    expect(await guess('user21', '::ffff:192.0.2.1')).toBe('401 login-refused');
  });

  test('can be allowed again by an administrator', async () => {
    const rig = new IdentityRig(open());
    const admin = await rig.admin();
    await rig.user(admin, 'ana', { role: 'viewer' });
    for (let i = 0; i < 5; i++) await rig.login('ana', { password: 'guess', address: `198.51.100.${i}` });
    expect(value(await rig.identity.users.get('ana')).blockedUntil).toBeGreaterThan(0);
    value(await rig.identity.users.unblock(admin, 'ana'));
    expect(refusal(await rig.login('ana'))).toBe('ok');
  });

  test('replace a hash whose costs have changed, and leave one that has not', async () => {
    const store = open();
    await new IdentityRig(store).admin();
    const rig = new IdentityRig(store, { passwords: new CountedPasswords(128) });
    const hash = async () => (await store.read((t) => t.rows('SELECT password FROM weir_admin_users'))) as unknown;
    expect(JSON.stringify(await hash())).toContain('m=64,');
    value(await rig.login('admin'));
    const after = await hash();
    expect(JSON.stringify(after)).toContain('m=128,');
    value(await rig.login('admin'));
    expect(await hash()).toEqual(after);
  });

  test('without the password being changed have no rights if another has set it', async () => {
    const rig = new IdentityRig(open());
    const admin = await rig.admin();
    await rig.user(admin, 'ana', { role: 'viewer' });
    const { password } = value(await rig.identity.users.setPassword(admin, 'ana', null));
    const { secret } = value(await rig.login('ana', { password }));
    const caller = await rig.callerBy({ secret });
    expect(caller.mayAnywhere('configuration:read')).toBe(false);
    const proof = { user: caller.id, session: caller.session ?? '', address: '', password };
    expect(refusal(await rig.identity.account.changePassword(proof, password))).toBe('400 invalid-fields');
    const changed = value(await rig.identity.account.changePassword(proof, 'another long password'));
    expect((await rig.callerBy({ secret: changed.secret })).mayAnywhere('configuration:read')).toBe(true);
    expect(refusal(await rig.authenticate({ secret }))).toBe('401 credentials-invalid');
  });
}

function testSessions(open: OpenAdminStore): void {
  test('end when they are idle, and at the latest after twelve hours', async () => {
    const rig = new IdentityRig(open());
    await rig.admin();
    const idle = value(await rig.login('admin')).secret;
    const used = value(await rig.login('admin')).secret;
    for (let passed = 0; passed < 11 * 60; passed += 20) {
      rig.later += 20 * MINUTE;
      expect(refusal(await rig.authenticate({ secret: used }))).toBe('ok');
    }
    expect(refusal(await rig.authenticate({ secret: idle }))).toBe('401 credentials-invalid');
    for (let passed = 0; passed < 60; passed += 20) {
      rig.later += 20 * MINUTE;
      await rig.authenticate({ secret: used });
    }
    expect(refusal(await rig.authenticate({ secret: used }))).toBe('401 credentials-invalid');
  });

  test('are revoked one by one and all together', async () => {
    const rig = new IdentityRig(open());
    const admin = await rig.admin();
    await rig.user(admin, 'ana', { role: 'viewer' });
    const secrets = [];
    for (let i = 0; i < 3; i++) secrets.push(value(await rig.login('ana')).secret);
    const [one = '', two = '', three = ''] = secrets;
    const caller = await rig.callerBy({ secret: one });
    value(await rig.identity.sessions.end(caller, (await rig.callerBy({ secret: two })).session ?? '', caller.id));
    expect(refusal(await rig.authenticate({ secret: two }))).toBe('401 credentials-invalid');
    expect(refusal(await rig.authenticate({ secret: three }))).toBe('ok');
    // The first login of the rig and the third.
    expect(value(await rig.identity.sessions.endOthers(caller.id, caller.session))).toBe(2);
    expect(refusal(await rig.authenticate({ secret: three }))).toBe('401 credentials-invalid');
    value(await rig.identity.sessions.endAll(admin, 'ana'));
    expect(refusal(await rig.authenticate({ secret: one }))).toBe('401 credentials-invalid');
  });

  test('end when the rights of their user change, and when it is disabled or deleted', async () => {
    const rig = new IdentityRig(open());
    const { identity } = rig;
    const admin = await rig.admin();
    await rig.user(admin, 'ana', { role: 'viewer' });
    const during = async (change: () => Promise<unknown>) => {
      const { secret } = value(await rig.login('ana'));
      await change();
      return refusal(await rig.authenticate({ secret }));
    };
    const bound = { subjectKind: 'user' as const, subjectName: 'ana', tenant: null, namespaces: null };
    value(await identity.roles.create(admin, { name: 'tail', description: '', permissions: ['requests:read'] }));
    value(await identity.tenants.create({ name: 'shop', description: '', namespaces: ['shop'] }));
    const gone = '401 credentials-invalid';
    expect(await during(async () => value(await identity.bindings.create(admin, { ...bound, role: 'tail', tenant: 'shop' })))).toBe(gone);
    const role = { name: 'tail', description: '', permissions: ['requests:read', 'alerts:read'] as const };
    expect(await during(async () => value(await identity.roles.replace(admin, role, '1')))).toBe(gone);
    const tenant = { name: 'shop', description: '', namespaces: ['shop', 'cart'] };
    expect(await during(async () => value(await identity.tenants.replace(admin, tenant, '1')))).toBe(gone);
    expect(await during(async () => value(await identity.users.setPassword(admin, 'ana', PASSWORD_OF_ALL)))).toBe(gone);
    expect(await during(async () => value(await identity.users.update(admin, 'ana', null, { disabled: true })))).toBe(gone);
    value(await identity.users.update(admin, 'ana', null, { disabled: false }));
    expect(await during(async () => value(await identity.users.delete(admin, 'ana')))).toBe(gone);
    expect(refusal(await rig.authenticate({ secret: '' }))).toBe('ok');
  });

  test('are at most fifty of one user: the oldest ends', async () => {
    const rig = new IdentityRig(open());
    const first = await rig.admin();
    for (let i = 0; i < 50; i++) {
      rig.later++;
      value(await rig.login('admin'));
    }
    const sessions = value(await rig.identity.sessions.listOf('admin'));
    expect(sessions).toHaveLength(50);
    expect(sessions.map(({ session }) => session.id)).not.toContain(first.session);
  });
}

function testASecondFactor(open: OpenAdminStore): void {
  /** Turns it on. */
  async function enrol(rig: IdentityRig) {
    const admin = await rig.admin();
    const proof = { user: admin.id, session: admin.session ?? '', address: '', password: PASSWORD_OF_ALL };
    const { secret } = value(await rig.identity.account.beginTotp(proof));
    const code = () => totpCode(secret, Date.now() + rig.later);
    const confirmed = value(await rig.identity.account.confirmTotp(admin.id, proof.session, code()));
    rig.later += 60_000;
    return { admin, proof, code, ...confirmed };
  }

  test('is not on before a code confirms it, and only the right password begins it', async () => {
    const rig = new IdentityRig(open());
    const admin = await rig.admin();
    const proof = { user: admin.id, session: admin.session ?? '', address: '', password: PASSWORD_OF_ALL };
    expect(refusal(await rig.identity.account.beginTotp({ ...proof, password: 'wrong' }))).toBe('403 password-wrong');
    expect(refusal(await rig.identity.account.confirmTotp(admin.id, proof.session, '000000'))).toBe('409 totp-not-begun');
    value(await rig.identity.account.beginTotp(proof));
    expect(refusal(await rig.login('admin'))).toBe('ok');
    expect(refusal(await rig.identity.account.confirmTotp(admin.id, proof.session, 'abcdef'))).toBe('422 code-wrong');
  });

  test('is needed for the login, and each code is good once', async () => {
    const rig = new IdentityRig(open());
    const { code } = await enrol(rig);
    expect(refusal(await rig.login('admin'))).toBe('401 second-factor-needed');
    expect(refusal(await rig.login('admin', { password: 'wrong', code: code() }))).toBe('401 login-refused');
    const used = code();
    expect(value(await rig.login('admin', { code: used })).session.method).toBe('totp');
    expect(refusal(await rig.login('admin', { code: used }))).toBe('401 login-refused');
  });

  test('cannot be guessed: wrong codes count as failures, and a right password without a code does not', async () => {
    const rig = new IdentityRig(open());
    await enrol(rig);
    const results = [];
    for (let i = 0; i < 6; i++) {
      results.push(refusal(await rig.login('admin')));
      results.push(refusal(await rig.login('admin', { code: `00000${i}` })));
    }
    expect(results.filter((each) => each === '401 login-refused')).toHaveLength(5);
    expect(results.slice(-2)).toEqual(['429 login-throttled', '429 login-throttled']);
  });

  test('that is used twice at the same time lets one login in', async () => {
    const store = open();
    const rig = new IdentityRig(store);
    const { code } = await enrol(rig);
    const used = code();
    const results = await Promise.all([1, 2, 3].map(() => rig.login('admin', { code: used })));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test('is replaced by each recovery code once', async () => {
    const rig = new IdentityRig(open());
    const { codes, proof } = await enrol(rig);
    expect(codes).toHaveLength(10);
    const [one = '', two = ''] = codes;
    expect(value(await rig.login('admin', { code: one })).session.method).toBe('recovery-code');
    expect(refusal(await rig.login('admin', { code: one }))).toBe('401 login-refused');
    const stored = await rig.store.read((t) => t.rows('SELECT * FROM weir_admin_recovery_codes'));
    expect(JSON.stringify(stored)).not.toContain(two);
    const fresh = value(await rig.identity.account.renewCodes(proof));
    expect(refusal(await rig.login('admin', { code: two }))).toBe('401 login-refused');
    expect(refusal(await rig.login('admin', { code: fresh[0] ?? '' }))).toBe('ok');
  });

  test('ends the other sessions of its user when it is turned on or off', async () => {
    const rig = new IdentityRig(open());
    const { proof, code, secret } = await enrol(rig);
    const other = value(await rig.login('admin', { code: code() })).secret;
    const removed = value(await rig.identity.account.removeTotp(proof));
    expect(refusal(await rig.authenticate({ secret: other }))).toBe('401 credentials-invalid');
    expect(refusal(await rig.authenticate({ secret }))).toBe('401 credentials-invalid');
    expect(refusal(await rig.authenticate({ secret: removed.secret }))).toBe('ok');
    expect(refusal(await rig.login('admin'))).toBe('ok');
  });
}
