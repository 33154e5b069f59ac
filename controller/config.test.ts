import { describe, expect, test } from '@jest/globals';
import { readConfig } from './config.ts';

const LOCAL = ['--push-address', '127.0.0.1:0'];
const MANAGED = ['--push-tls-secret', 'ca', '--proxy-controller', 'weir-controller.weir.svc:9443'];

describe('readConfig', () => {
  test('takes flags before the environment, and the environment before defaults', () => {
    const environment = { WEIR_LEASE_NAME: 'from-env', WEIR_IDENTITY: 'env' };
    const config = readConfig([...LOCAL, '--identity', 'flag', '--addresses', '192.0.2.1, gw.example.com'], environment);
    expect(config).toMatchObject({
      ok: true,
      value: {
        leaseName: 'from-env',
        identity: 'flag',
        addresses: ['192.0.2.1', 'gw.example.com'],
        metricsAddress: { host: '0.0.0.0', port: 9080 },
      },
    });
  });

  test('two replicas never have the same identity by default', () => {
    const identity = () => (readConfig(LOCAL, {}) as { value: { identity: string } }).value.identity;
    expect(identity()).not.toBe(identity());
  });

  test.each([
    [['--push-address', '0.0.0.0:9443'], '--push-address'],
    [[...LOCAL, '--push-tls-cert', 'a'], '--push-tls-cert'],
    [[...LOCAL, '--push-tls-secret', 'ca', '--push-tls-ca', 'ca.crt'], '--push-tls-secret'],
    [[...LOCAL, '--push-tls-secret', 'ca', '--proxy-controller', '192.0.2.1:9443'], '--proxy-controller-tls-name'],
    [[...MANAGED, '--ca-lifetime', '100h', '--certificate-lifetime', '17h'], '--ca-lifetime'],
    [[...LOCAL, '--proxy-tls-secret', 'proxy'], '--push-tls-secret'],
    [[...LOCAL, '--admin-tls-secret', 'admin'], '--push-tls-secret'],
    [[...LOCAL, '--proxy-service', 'weir-proxy'], '--proxy-service'],
    [[...LOCAL, '--proxy-service-ports', 'Follow'], '--proxy-service'],
    [[...LOCAL, '--proxy-service-ports', 'Some'], '--proxy-service-ports'],
    [[...LOCAL, '--proxy-user', 'root'], '--proxy-user'],
    [[...LOCAL, '--proxy-user', '0'], '--proxy-user'],
    [[...LOCAL, '--watch-namespaces', 'shop,My_Blog'], '--watch-namespaces'],
    [[...LOCAL, '--admin-address', ':9081'], '--admin-address'],
    [[...LOCAL, '--admin-token-file', '/does/not/exist'], '--admin-token-file'],
    [[...LOCAL, '--metrics-address', '9080'], '--metrics-address'],
    [[...LOCAL, '--metrics-address', 'host:70000'], '--metrics-address'],
    [[...LOCAL, '--log-level', 'loud'], '--log-level'],
    [[...LOCAL, '--prometheus-rule-labels', 'team=edge'], '--prometheus-rule-labels has no effect without --prometheus-rules On'],
    [[...LOCAL, '--prometheus-rules', 'On', '--prometheus-rule-labels', 'team'], '"team" is no label'],
    [[...LOCAL, '--prometheus-rules', 'On', '--prometheus-rule-labels', 'team=a b'], '"team=a b" is no label'],
    [[...LOCAL, '--certificate-lifetime', '720'], '--certificate-lifetime: "720" has no unit: 720s is seconds, 720ms is milliseconds'],
    [[...LOCAL, '--adresses', 'a'], 'unknown flag --adresses; did you mean --addresses?'],
    [[...LOCAL, 'extra'], 'unexpected argument "extra"'],
  ])('refuses %j', (args, flag) => {
    const config = readConfig(args, {});
    expect(config).toEqual({ ok: false, error: expect.stringContaining(flag) });
  });

  test('accepts Secrets instead of files; no CA key is missing then', () => {
    const config = readConfig(
      [...MANAGED, '--proxy-image', 'weir-proxy', '--proxy-tls-secret', 'proxy', '--admin-tls-secret', 'admin'],
      {},
    );
    const pushTls = {
      from: 'secrets',
      authoritySecret: 'ca',
      proxySecret: 'proxy',
      adminSecret: 'admin',
      authorityLifetime: 8_760 * 3_600_000,
    };
    expect(config).toMatchObject({ ok: true, value: { pushTls, fleets: { lacks: '', certificateLifetime: 720 * 3_600_000 } } });
  });

  test('takes lists of alerts and labels, of flags and of variables', () => {
    const labels = ['--prometheus-rules', 'On', '--prometheus-rule-labels', 'release=prometheus, example.com/team=edge'];
    const config = readConfig([...LOCAL, ...labels], { WEIR_DISABLED_ALERTS: 'WeirShedding,WeirConfigDrift' });
    expect(config).toMatchObject({
      ok: true,
      value: {
        alerts: { disabled: ['WeirShedding', 'WeirConfigDrift'] },
        prometheusRules: { isOn: true, labels: { release: 'prometheus', 'example.com/team': 'edge' } },
      },
    });
  });

  test('takes namespaces to watch, ports that follow, and no user for proxies', () => {
    const flags = [
      '--watch-namespaces',
      'shop, blog',
      '--proxy-service',
      'weir/proxy',
      '--proxy-service-ports',
      'Follow',
      '--proxy-user',
      'any',
    ];
    expect(readConfig([...LOCAL, ...flags], {})).toMatchObject({
      ok: true,
      value: { watchNamespaces: ['shop', 'blog'], proxyService: 'weir/proxy', followsPorts: true, fleets: { user: null } },
    });
  });

  test('reads IPv6 addresses', () => {
    expect(readConfig(['--push-address', '[::1]:9443'], {})).toMatchObject({
      ok: true,
      value: { pushAddress: { host: '::1', port: 9443 } },
    });
  });
});
