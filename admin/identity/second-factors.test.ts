// The secrets of second factors in the store: sealed, bound to their user, and lost to another key with a clear message.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describeAdminStores, type OpenAdminStore } from '../../test/support/admin-stores.ts';
import { IdentityRig, keysOf, PASSWORD_OF_ALL, refusal, value } from '../../test/support/identity-rig.ts';
import { EXAMPLE_TOTP_SECRET } from './examples.ts';
import { KeyFile, type Keys } from './key-file.ts';
import { SecretBox } from './secret-box.ts';
import { totpCode } from './totp.ts';

describeAdminStores({ 'secrets of second factors': testSecretsOfSecondFactors });

function testSecretsOfSecondFactors(open: OpenAdminStore): void {
  const [first, second] = [SecretBox.makeText(), SecretBox.makeText()];

  async function column(rig: IdentityRig, name: string): Promise<string> {
    const rows = await rig.store.read((t) => t.rows(`SELECT ${name} AS found FROM weir_admin_users WHERE name = 'ana'`));
    return rows.ok ? String(rows.value[0]?.['found']) : rows.error;
  }

  /** A user with a second factor that a former release has stored as it is. */
  async function formerUser(keys: Keys): Promise<IdentityRig> {
    const rig = new IdentityRig(open(), { keys });
    await rig.user(await rig.admin(), 'ana');
    await rig.store.write((t) => t.run("UPDATE weir_admin_users SET totp_secret = ? WHERE name = 'ana'", [EXAMPLE_TOTP_SECRET]));
    return rig;
  }

  async function login(rig: IdentityRig): Promise<string> {
    // Each code counts once, so each login is in a later step.
    rig.later += 60_000;
    return refusal(await rig.login('ana', { code: totpCode(EXAMPLE_TOTP_SECRET, Date.now() + rig.later) }));
  }

  test('are sealed from the beginning, and open for logins', async () => {
    const rig = new IdentityRig(open(), { keys: keysOf(first) });
    const ana = await rig.user(await rig.admin(), 'ana');
    const proof = { user: ana.id, session: ana.session ?? '', address: '192.0.2.1', password: PASSWORD_OF_ALL };
    const { secret } = value(await rig.identity.account.beginTotp(proof));
    expect(await column(rig, 'totp_pending')).toMatch(/^v1\.[0-9a-f]{16}\.[\w-]{80,}$/);
    value(await rig.identity.account.confirmTotp(ana.id, ana.session ?? '', totpCode(secret, Date.now())));
    expect(await column(rig, 'totp_secret')).toMatch(/^v1\./);
    rig.later = 60_000;
    expect(refusal(await rig.login('ana', { code: totpCode(secret, Date.now() + rig.later) }))).toBe('ok');
    expect(refusal(await rig.login('ana', { code: '000000' }))).toBe('401 login-refused');
  });

  test('of a former release are sealed, and those of a former key again', async () => {
    const rig = await formerUser(keysOf(first));
    expect(await login(rig)).toBe('ok');
    expect(value(await rig.identity.factors.reseal())).toEqual({ sealed: 1, lost: 0 });
    const before = await column(rig, 'totp_secret');
    expect(before).not.toContain(EXAMPLE_TOTP_SECRET);
    expect(value(await rig.identity.factors.reseal())).toEqual({ sealed: 0, lost: 0 });
    expect(await login(rig)).toBe('ok');
    const next = new IdentityRig(rig.store, { keys: keysOf(second + first) });
    expect(value(await next.identity.factors.reseal())).toEqual({ sealed: 1, lost: 0 });
    expect((await column(next, 'totp_secret')).slice(0, 20)).not.toBe(before.slice(0, 20));
    // The clock of the second rig is added to that of the first.
    [rig.later, next.later] = [0, rig.later];
    expect(await login(next)).toBe('ok');
  });

  test('need their key: another one is named as the reason, and recovery codes still count', async () => {
    const rig = await formerUser(keysOf(first));
    await rig.identity.factors.reseal();
    const other = new IdentityRig(rig.store, { keys: keysOf(second) });
    expect(value(await other.identity.factors.reseal())).toEqual({ sealed: 0, lost: 1 });
    const refused = await other.login('ana', { code: '123456' });
    expect(refused).toMatchObject({
      error: { status: 503, code: 'key-wrong', detail: expect.stringMatching(/sealed with the key [0-9a-f]{16}/) },
    });
    const without = new IdentityRig(rig.store, { keys: new KeyFile({ file: '', isMade: false }) });
    expect(refusal(await without.login('ana', { code: '123456' }))).toBe('409 key-missing');
  });

  test('can be a must: without one a session has no rights, and makes no token with rights', async () => {
    const rig = new IdentityRig(open(), { needsSecondFactor: true });
    const admin = await rig.admin();
    expect(admin.mayAnywhere('users:read')).toBe(false);
    const spec = { name: 'x', days: 1, scope: { permissions: null, namespaces: null } };
    expect(refusal(await rig.identity.tokens.create(admin, 'admin', spec))).toBe('403 rights-exceeded');
    const session = admin.session ?? '';
    const proof = { user: admin.id, session, address: '192.0.2.1', password: PASSWORD_OF_ALL };
    const { secret } = value(await rig.identity.account.beginTotp(proof));
    const confirmed = value(await rig.identity.account.confirmTotp(admin.id, session, totpCode(secret, Date.now())));
    expect((await rig.callerBy({ secret: confirmed.secret })).mayAnywhere('users:read')).toBe(true);
  });

  test('do not open in the row of another user', async () => {
    const rig = await formerUser(keysOf(first));
    await rig.identity.factors.reseal();
    await rig.user(await rig.callerOf('admin'), 'eve');
    await rig.store.write((t) => t.run("UPDATE weir_admin_users SET totp_secret = ? WHERE name = 'eve'", [EXAMPLE_TOTP_SECRET]));
    await rig.identity.factors.reseal();
    await rig.store.write((t) =>
      t.run("UPDATE weir_admin_users SET totp_secret = (SELECT totp_secret FROM weir_admin_users WHERE name = 'eve') WHERE name = 'ana'"),
    );
    expect(await login(rig)).toBe('503 key-wrong');
  });
}

describe('a file of keys', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'weir-keys-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is made once, for its owner only', () => {
    const file = path.join(folder, 'new', 'admin.key');
    const boxes = [new KeyFile({ file, isMade: true }).box(), new KeyFile({ file, isMade: true }).box()];
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(file, 'utf8'), 'base64')).toHaveLength(32);
    const [one, two] = boxes.map((box) => (box.ok ? box.value : null));
    expect(two?.open(one?.seal('a', 'b') ?? '', 'b')).toEqual({ ok: true, value: 'a' });
  });

  test('that cannot be used is named, and read again', () => {
    const file = path.join(folder, 'given.key');
    const keys = new KeyFile({ file, isMade: false });
    expect(keys.box()).toMatchObject({ ok: false, error: { status: 503, code: 'key-away' } });
    expect(keys.trouble).toBe(`--admin-key-file: ${file} does not exist`);
    writeFileSync(file, 'short\n');
    keys.box();
    expect(keys.trouble).toBe(`--admin-key-file: ${file} has a line that is not 32 bytes in base64`);
    writeFileSync(file, '\n');
    keys.box();
    expect(keys.trouble).toBe(`--admin-key-file: ${file} has no key`);
    writeFileSync(file, SecretBox.makeText());
    expect([keys.box().ok, keys.trouble]).toEqual([true, '']);
    mkdirSync(path.join(folder, 'folder'));
    expect(new KeyFile({ file: path.join(folder, 'folder'), isMade: true }).box().ok).toBe(false);
  });
});

test('a sealed text that was changed does not open', () => {
  const box = SecretBox.parse(SecretBox.makeText());
  if (!box.ok) throw new Error(box.error);
  const sealed = box.value.seal('text', 'use');
  const last = sealed.at(-1) === 'A' ? 'Q' : 'A';
  for (const wrong of [`${sealed.slice(0, -1)}${last}`, `${box.value.prefix}AAAA`, 'v1.x', 'v2.0.0'])
    expect(box.value.open(wrong, 'use').ok).toBe(false);
  expect(box.value.open(sealed, 'another').ok).toBe(false);
  expect(box.value.seal('text', 'use')).not.toBe(sealed);
});
