import { describe, expect, test } from '@jest/globals';
import { ADMIN_FLAGS, readConfig, readUpSettings, UP_ADMIN_FLAGS } from './config.ts';

describe('settings of weir admin', () => {
  test('are safe by default', () => {
    expect(readConfig([], {})).toMatchObject({
      ok: true,
      value: {
        address: { host: '127.0.0.1', port: 15080 },
        tls: null,
        url: '',
        callerRate: { perSecond: 100, burst: 200 },
        store: { kind: 'sqlite', file: '/var/lib/weir/admin.sqlite' },
        auditRetention: { maxAge: 400 * 86_400_000, maxEntries: 1_000_000 },
      },
    });
  });

  const OIDC = ['--admin-api-url', 'https://b.example', '--admin-oidc-client-id', 'weir'];
  const TLS = ['--admin-api-tls-cert', 'a.pem', '--admin-api-tls-key', 'b.pem'];

  test.each([
    [['--admin-api-address', '0.0.0.0:1'], 'an address other than loopback needs --admin-api-tls-cert and --admin-api-tls-key'],
    [['--admin-api-address', ':1'], 'an address other than loopback needs'],
    [['--admin-api-address', '127.evil.example:1'], 'an address other than loopback needs'],
    [['--admin-api-tls-cert', 'a.pem'], '--admin-api-tls-cert and --admin-api-tls-key must be given together'],
    [['--admin-api-url', 'https://a.example/path'], '--admin-api-url: the URL is not of the form'],
    [['--admin-api-url', 'javascript:alert(1)'], '--admin-api-url: the URL is not of the form'],
    [['--admin-api-caller-rate', '0'], '--admin-api-caller-rate: "0" is too small'],
    [['--admin-audit-max-age', '1h'], '--admin-audit-max-age: the age is too small; it must be at least 24h'],
    [['--admin-audit-max-entries', '10'], '--admin-audit-max-entries: "10" is too small'],
    [['--controllers', 'a.example'], '--controllers: "a.example" is not HOST:PORT'],
    [['--controllers', 'a.example:9443'], '--controllers needs --controller-tls-ca, --controller-tls-cert and --controller-tls-key'],
    [['--controller-tls-ca', 'ca.pem'], 'the --controller-tls flags have no effect without --controllers'],
    [['--admin-oidc-issuer', 'https://a.example'], '--admin-oidc-issuer needs --admin-api-url'],
    [['--admin-oidc-issuer', 'https://a.example', '--admin-api-url', 'https://b.example'], 'needs --admin-oidc-client-id'],
    [[...OIDC, '--admin-oidc-issuer', 'http://a.example'], 'an issuer other than on loopback needs https'],
    [[...OIDC, '--admin-oidc-issuer', 'https://a:b@a.example'], 'the issuer is not a URL of the form'],
    [[...OIDC, '--admin-oidc-issuer', 'https://a.example', '--admin-oidc-scopes', 'email'], 'without the scope openid'],
    [['--admin-trusted-proxies', '10.0.0.0/8,any'], '--admin-trusted-proxies: "any"'],
    [['--admin-client-header', 'forwarded'], '--admin-client-header has no effect without --admin-trusted-proxies'],
    [['--admin-trusted-proxies', '10.0.0.1', '--admin-client-header', 'x-real-ip'], 'is none of x-forwarded-for, forwarded'],
    [['--admin-oidc-groups-claim', 'roles'], '--admin-oidc-groups-claim has no effect without --admin-oidc-issuer'],
    [['--service-account-audience', ''], '--service-account-audience: without an audience'],
    [['--admin-store', 'off'], '--admin-store: the admin API cannot be without a store'],
    [['--admin-store', 'postgres://a:secret@b/c'], '--admin-store: the URL has a password'],
  ])('%j is refused', (args, reason) => {
    const config = readConfig(args, {});
    expect(config).toEqual({ ok: false, error: expect.stringContaining(reason) });
    expect(JSON.stringify(config)).not.toContain('secret@');
  });

  test('may name several controllers', () => {
    const files = ['--controller-tls-ca', 'ca.pem', '--controller-tls-cert', 'a.pem', '--controller-tls-key', 'b.pem'];
    expect(readConfig(['--controllers', 'a.example:9443, [::1]:9443', ...files], {})).toMatchObject({
      value: {
        controllers: {
          addresses: ['a.example:9443', '[::1]:9443'],
          tls: { ca: 'ca.pem', certificate: 'a.pem', privateKey: 'b.pem' },
          serverName: '',
        },
      },
    });
  });

  test('with a certificate may name any address', () => {
    const config = readConfig(['--admin-api-address', '0.0.0.0:443', '--admin-api-url', 'https://a.example', ...TLS], {});
    expect(config).toMatchObject({ ok: true, value: { tls: { certificate: 'a.pem', privateKey: 'b.pem' }, url: 'https://a.example' } });
  });
});

describe('settings of weir up', () => {
  test('have the store in the folder, and may be off', () => {
    expect(readUpSettings(['dir'], [UP_ADMIN_FLAGS], 'dir', {})).toMatchObject({ value: { store: { file: 'dir/.weir/admin.sqlite' } } });
    expect(readUpSettings(['dir'], [UP_ADMIN_FLAGS], 'dir', { WEIR_ADMIN_API_ADDRESS: 'off' })).toEqual({ ok: true, value: null });
  });

  test('are those of weir admin', () => {
    const names = Object.keys(ADMIN_FLAGS[0]?.flags ?? {});
    expect(names).toEqual(expect.arrayContaining(Object.keys(UP_ADMIN_FLAGS.flags)));
  });
});
