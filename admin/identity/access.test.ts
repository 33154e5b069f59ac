// Attacks on rights: more than a caller has, the last administrator, other tenants, text that is SQL, and secrets in logs.
import { expect, test } from '@jest/globals';
import { Writable } from 'node:stream';
import { createLog } from '#lib/log.ts';
import { describeAdminStores, type OpenAdminStore } from '../../test/support/admin-stores.ts';
import { describeWith } from '../../test/support/describe-with.ts';
import { IdentityRig, PASSWORD_OF_ALL, refusal, value } from '../../test/support/identity-rig.ts';
import { PASSWORD, Postgres } from '../../test/support/postgres.ts';
import { makeAdminStore } from '../store/admin-store.ts';
import type { SubjectKind } from './access-table.ts';

const EXCEEDED = '403 rights-exceeded';
const HOSTILE = [`'; DROP TABLE weir_admin_users; --`, `' OR '1'='1`, '?', '$1', '%', '\\', '"', '__proto__', '😀', `${'a'.repeat(500)}!`];

/** The binding of a role to a user. */
function bound(subjectName: string, role: string, scope: { tenant?: string; namespaces?: readonly string[] } = {}) {
  const { tenant = null, namespaces = null } = scope;
  return { subjectKind: 'user' as SubjectKind, subjectName, role, tenant, namespaces };
}

describeAdminStores({ rights: testRights, 'API tokens': testAPITokens, 'hostile text': testHostileText });

function testRights(open: OpenAdminStore): void {
  test('are given up to those of the caller, and no further', async () => {
    const rig = new IdentityRig(open());
    const { bindings, roles } = rig.identity;
    const admin = await rig.admin();
    const security = await rig.user(admin, 'sec', { role: 'security' });
    await rig.user(admin, 'ana');
    expect(refusal(await bindings.create(security, bound('ana', 'viewer')))).toBe('ok');
    for (const role of ['admin', 'editor', 'operator']) {
      expect(refusal(await bindings.create(security, bound('sec', role)))).toBe(EXCEEDED);
      expect(refusal(await bindings.create(security, bound('ana', role, { namespaces: ['shop'] })))).toBe(EXCEEDED);
    }
    const wide = { name: 'wide', description: '', permissions: ['configuration:write' as const] };
    expect(refusal(await roles.create(security, wide))).toBe(EXCEEDED);
    value(await roles.create(admin, wide));
    expect(refusal(await roles.replace(security, { ...wide, permissions: [] }, null))).toBe(EXCEEDED);
    expect(refusal(await roles.delete(security, 'wide'))).toBe(EXCEEDED);
    const narrow = { name: 'narrow', description: '', permissions: ['audit:read' as const] };
    value(await roles.create(security, narrow));
    expect(refusal(await roles.replace(security, { ...narrow, permissions: ['backups:write'] }, null))).toBe(EXCEEDED);
  });

  test('cannot be had by taking over a user with more of them', async () => {
    const rig = new IdentityRig(open());
    const { users, sessions, tokens } = rig.identity;
    const admin = await rig.admin();
    const security = await rig.user(admin, 'sec', { role: 'security' });
    const attempts = [
      users.setPassword(security, 'admin', 'chosen by the attacker'),
      users.resetTotp(security, 'admin'),
      users.update(security, 'admin', null, { disabled: true }),
      users.unblock(security, 'admin'),
      users.delete(security, 'admin'),
      sessions.endAll(security, 'admin'),
      sessions.end(security, admin.session ?? '', null),
      tokens.create(security, 'admin', { name: 'mine', scope: { permissions: null, namespaces: null }, days: 1 }),
    ];
    expect((await Promise.all(attempts)).map(refusal)).toEqual(Array(attempts.length).fill(EXCEEDED));
    const token = value(await tokens.create(admin, 'admin', { name: 't', scope: { permissions: null, namespaces: null }, days: 1 }));
    expect(refusal(await tokens.revoke(security, token.token.id, null))).toBe(EXCEEDED);
    expect(refusal(await rig.login('admin'))).toBe('ok');
  });

  test('do not grow by a namespace that the caller adds to its own tenant', async () => {
    const rig = new IdentityRig(open());
    const { tenants, roles } = rig.identity;
    const admin = await rig.admin();
    value(await tenants.create({ name: 'shop', description: '', namespaces: ['shop'] }));
    value(await roles.create(admin, { name: 'tenant-writer', description: '', permissions: ['tenants:read', 'tenants:write'] }));
    const caller = await rig.user(admin, 'ana', { role: 'tenant-writer' }, { role: 'editor', tenant: 'shop' });
    const wider = { name: 'shop', description: '', namespaces: ['shop', 'bank'] };
    expect(refusal(await tenants.replace(caller, wider, null))).toBe(EXCEEDED);
    value(await tenants.replace(admin, wider, null));
    expect((await rig.callerOf('ana')).may('configuration:write', 'bank')).toBe(true);
    expect(refusal(await tenants.delete('shop'))).toBe('409 tenant-in-use');
  });

  test('of built-in roles do not change, and a role in use is not deleted', async () => {
    const rig = new IdentityRig(open());
    const { roles } = rig.identity;
    const admin = await rig.admin();
    const viewer = { name: 'viewer', description: '', permissions: ['users:write' as const] };
    expect(refusal(await roles.create(admin, viewer))).toBe('409 role-exists');
    expect(refusal(await roles.replace(admin, viewer, null))).toBe('409 role-built-in');
    expect(refusal(await roles.delete(admin, 'viewer'))).toBe('409 role-built-in');
    value(await roles.create(admin, { name: 'own', description: '', permissions: [] }));
    await rig.user(admin, 'ana', { role: 'own' });
    expect(refusal(await roles.delete(admin, 'own'))).toBe('409 role-in-use');
    expect(refusal(await roles.replace(admin, { name: 'own', description: '', permissions: [] }, '7'))).toBe('412 changed-meanwhile');
  });

  test('are left with one administrator', async () => {
    const rig = new IdentityRig(open());
    const { users, bindings } = rig.identity;
    const admin = await rig.admin();
    const [binding] = value(await bindings.list(admin));
    // An administrator in one namespace, one without a password, and a group are none that could help.
    await rig.user(admin, 'ana', { role: 'admin', namespaces: ['shop'] });
    value(await users.create({ name: 'robot', displayName: '', password: null, withoutPassword: true }));
    value(await bindings.create(admin, bound('robot', 'admin')));
    value(await bindings.create(admin, { ...bound('admins', 'admin'), subjectKind: 'group' }));
    expect(refusal(await users.delete(admin, 'admin'))).toBe('409 last-admin');
    expect(refusal(await users.update(admin, 'admin', null, { disabled: true }))).toBe('409 last-admin');
    expect(refusal(await bindings.delete(admin, binding?.id ?? ''))).toBe('409 last-admin');
    const second = await rig.user(admin, 'bea', { role: 'admin' });
    const both = await Promise.all([users.delete(admin, 'bea'), users.delete(second, 'admin')]);
    expect(both.map(refusal).sort()).toEqual(['409 last-admin', 'ok']);
  });

  test('in one tenant do not reach another', async () => {
    const rig = new IdentityRig(open());
    const { tenants, bindings } = rig.identity;
    const admin = await rig.admin();
    for (const name of ['shop', 'bank']) value(await tenants.create({ name, description: '', namespaces: [name] }));
    const shop = await rig.user(admin, 'shop-admin', { role: 'admin', tenant: 'shop' });
    await rig.user(admin, 'ben', { role: 'editor', tenant: 'bank' });
    expect([shop.may('configuration:write', 'shop'), shop.may('configuration:write', 'bank'), shop.may('users:write', null)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(value(await tenants.list(shop)).map(({ name }) => name)).toEqual(['shop']);
    expect(refusal(await tenants.get(shop, 'bank'))).toBe('404 tenant-unknown');
    const all = value(await bindings.list(admin));
    const ofBank = all.find(({ tenant }) => tenant === 'bank')?.id ?? '';
    expect(value(await bindings.list(shop)).map(({ tenant }) => tenant)).toEqual(['shop']);
    expect(refusal(await bindings.get(shop, ofBank))).toBe('404 binding-unknown');
    expect(refusal(await bindings.delete(shop, ofBank))).toBe('404 binding-unknown');
    for (const scope of [{ tenant: 'bank' }, { namespaces: ['bank'] }, { namespaces: ['shop', 'bank'] }, {}, { namespaces: [] }])
      expect(refusal(await bindings.create(shop, bound('shop-admin', 'editor', scope)))).toBe('400 invalid-fields');
    expect(refusal(await bindings.create(shop, bound('ben', 'editor', { tenant: 'shop' })))).toBe('ok');
  });

  test('of other users are not reached by the ids of their sessions and tokens', async () => {
    const rig = new IdentityRig(open());
    const { sessions, tokens } = rig.identity;
    const admin = await rig.admin();
    const ana = await rig.user(admin, 'ana', { role: 'viewer' });
    const { token } = value(await tokens.create(admin, 'admin', { name: 't', scope: { permissions: null, namespaces: null }, days: 1 }));
    expect(refusal(await sessions.end(ana, admin.session ?? '', ana.id))).toBe('404 session-unknown');
    expect(refusal(await tokens.revoke(ana, token.id, ana.id))).toBe('404 token-unknown');
  });
}

function testAPITokens(open: OpenAdminStore): void {
  test('have the rights of their owner within their scope, until they expire or are revoked', async () => {
    const rig = new IdentityRig(open());
    const { tokens, users } = rig.identity;
    const admin = await rig.admin();
    const scope = { permissions: ['configuration:read' as const], namespaces: ['shop'] };
    const { token, secret } = value(await tokens.create(admin, 'admin', { name: 'ci', scope, days: 1 }));
    const caller = await rig.callerBy({ token: secret });
    expect(caller).toMatchObject({ kind: 'token', id: token.id, name: 'admin/ci', session: null });
    expect([caller.may('configuration:read', 'shop'), caller.may('configuration:read', null)]).toEqual([true, false]);
    expect([caller.may('configuration:write', 'shop'), caller.may('configuration:read', 'bank')]).toEqual([false, false]);
    expect(value(await tokens.listOf('admin'))[0]?.token).toMatchObject({ name: 'ci', lastAddress: '192.0.2.1' });
    expect(refusal(await tokens.create(caller, 'admin', { name: 'wider', scope: { permissions: null, namespaces: null }, days: 1 }))).toBe(
      EXCEEDED,
    );
    const stored = JSON.stringify(await rig.store.read((t) => t.rows('SELECT * FROM weir_admin_tokens')));
    expect(stored).not.toContain(secret);
    rig.later += 25 * 3_600_000;
    expect(refusal(await rig.authenticate({ token: secret }))).toBe('401 credentials-invalid');
    const again = value(await tokens.create(admin, 'admin', { name: 'cd', scope, days: 1 }));
    value(await tokens.revoke(admin, again.token.id, null));
    expect(refusal(await rig.authenticate({ token: again.secret }))).toBe('401 credentials-invalid');
    await rig.user(admin, 'ana', { role: 'viewer' });
    const ofAna = value(await tokens.create(admin, 'ana', { name: 'x', scope, days: 1 }));
    expect((await rig.callerBy({ token: ofAna.secret })).may('configuration:read', 'shop')).toBe(true);
    value(await users.update(admin, 'ana', null, { disabled: true }));
    expect(refusal(await rig.authenticate({ token: ofAna.secret }))).toBe('401 credentials-invalid');
  });

  test.each(['', 'x', `weir_${'a'.repeat(49)}`, 'a'.repeat(100_000), `'; --`, 'eyJ.a.b', '😀'])('%.20s is none', async (token) => {
    const rig = new IdentityRig(open());
    await rig.admin();
    expect(refusal(await rig.authenticate({ token }))).toBe('401 credentials-invalid');
    if (token !== '') expect(refusal(await rig.authenticate({ secret: token }))).toBe('401 credentials-invalid');
  });
}

function testHostileText(open: OpenAdminStore): void {
  test('is text in each field, and no statement', async () => {
    const rig = new IdentityRig(open());
    const { users, roles, tenants, bindings, tokens, logins } = rig.identity;
    const admin = await rig.admin();
    for (const text of HOSTILE) {
      value(await users.create({ name: text, displayName: text, password: PASSWORD_OF_ALL, withoutPassword: false }));
      value(await users.update(admin, text, null, { displayName: `${text}${text}` }));
      value(await roles.create(admin, { name: text, description: text, permissions: [] }));
      value(await tenants.create({ name: text, description: text, namespaces: [text] }));
      const { id } = value(await bindings.create(admin, bound(text, text, { tenant: text })));
      expect(value(await bindings.get(admin, id))).toMatchObject({ subjectName: text, role: text, tenant: text });
      const scope = { permissions: null, namespaces: [text] };
      value(await tokens.create(admin, text, { name: text, scope, days: 1 }));
      expect(value(await tokens.listOf(text))[0]?.token).toMatchObject({ name: text, scope });
      const login = { user: text, password: PASSWORD_OF_ALL, code: text, address: text, formerSecret: text, userAgent: text };
      expect(value(await logins.login(login)).session).toMatchObject({ address: text, userAgent: text });
      expect(value(await users.list(text, 1)).every(({ name }) => name !== text)).toBe(true);
      expect(value(await users.get(text)).user.displayName).toBe(`${text}${text}`);
    }
    for (const text of HOSTILE) value(await users.delete(admin, text));
    expect(value(await users.list('', 100)).map(({ name }) => name)).toEqual(['admin']);
  });
}

describeWith(['postgres'], 'a database that is killed', () => {
  test('refuses logins and callers with 503 until it is back; the log has no secret', async () => {
    const postgres = await Postgres.start();
    const store = makeAdminStore({ kind: 'postgres', url: postgres.url, password: () => Promise.resolve(PASSWORD) });
    let lines = '';
    const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => ((lines += chunk.toString()), done()) });
    const rig = new IdentityRig(store, { log: createLog('trace', sink) });
    try {
      const admin = await rig.admin();
      const { secret } = value(await rig.login('admin'));
      const scope = { permissions: null, namespaces: null };
      const token = value(await rig.identity.tokens.create(admin, 'admin', { name: 'ci', scope, days: 1 })).secret;
      await postgres.kill();
      for (const result of [await rig.login('admin'), await rig.authenticate({ secret }), await rig.authenticate({ token })]) {
        expect(refusal(result)).toBe('503 store-away');
        expect(JSON.stringify(result)).not.toContain('postgres');
      }
      await postgres.restart();
      expect(refusal(await rig.authenticate({ secret }))).toBe('ok');
      expect(refusal(await rig.authenticate({ token }))).toBe('ok');
      expect(lines).toContain('the store of users cannot be used');
      for (const hidden of [secret, token, PASSWORD_OF_ALL, PASSWORD]) expect(lines).not.toContain(hidden);
    } finally {
      await store.close();
      await postgres.stop();
    }
  });
});
