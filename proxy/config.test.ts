// Settings of proxies.
import { describe, expect, test } from '@jest/globals';
import { readProxyConfig, readUpConfig } from './config.ts';
import { DEFAULT_LIMITS } from './exchange/limits.ts';

const MINIMUM = ['--controller', '127.0.0.1:9443'];

describe('readProxyConfig', () => {
  test('has defaults for everything but the controller', () => {
    const config = readProxyConfig(MINIMUM, {});
    expect(config).toMatchObject({ ok: true, value: { adminPort: 15_020, probePort: 15_021, drainDelay: 5_000, drainTimeout: 60_000 } });
    expect(config).toMatchObject({ value: { limits: DEFAULT_LIMITS, controllerTls: 'plaintext', bindAddress: '', lastGood: '' } });
    expect((config as { value: { workers: number } }).value.workers).toBeGreaterThanOrEqual(1);
  });

  test('takes flags before the environment, and the environment before defaults', () => {
    const environment = { WEIR_WORKERS: '3', WEIR_DRAIN_DELAY: '1m30s', WEIR_MAX_HEAD_BYTES: '1000', WEIR_CONTROLLER: 'c:1' };
    const config = readProxyConfig([...MINIMUM, '--workers', '2', '--connect-timeout', '250ms'], environment);
    expect(config).toMatchObject({
      ok: true,
      value: { workers: 2, drainDelay: 90_000, controller: '127.0.0.1:9443', limits: { maxHeadBytes: 1_000, connectTimeout: 250 } },
    });
  });

  test.each([
    [[], 'weir'],
    [['--via', 'edge-1'], 'edge-1'],
    [['--via', 'off'], ''],
  ])('calls the proxy in Via by %j', (args, via) => {
    expect(readProxyConfig([...MINIMUM, ...args], {})).toMatchObject({ ok: true, value: { via } });
  });

  test.each(Object.keys(DEFAULT_LIMITS))('%s can be set', (name) => {
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const text = /(?:Timeout|Delay)$/.test(name) ? '1234ms' : '1234';
    expect(readProxyConfig([...MINIMUM, `--${flag}`, text], {})).toMatchObject({ ok: true, value: { limits: { [name]: 1_234 } } });
  });

  test.each([
    [[], '--controller'],
    [['--controller', 'host'], '--controller'],
    [['--controller', 'host:65536'], '--controller'],
    [[...MINIMUM, '--workers', '0'], '--workers'],
    [[...MINIMUM, '--workers', 'many'], '--workers'],
    [[...MINIMUM, '--workers', '1025'], 'at most 1024'],
    [[...MINIMUM, '--probe-port', '70000'], '--probe-port'],
    [[...MINIMUM, '--drain-delay', '5 s'], '--drain-delay'],
    [[...MINIMUM, '--max-head-bytes', '0'], '--max-head-bytes'],
    [[...MINIMUM, '--max-headers', '1e3'], '--max-headers'],
    [[...MINIMUM, '--max-headers', '-1'], '--max-headers'],
    [[...MINIMUM, '--bind-address', 'example.com'], '--bind-address'],
    [[...MINIMUM, '--log-level', 'loud'], '--log-level'],
    [[...MINIMUM, '--access-log', '/does/not/exist'], '--access-log'],
    [[...MINIMUM, '--access-log', ''], '--access-log'],
    [[...MINIMUM, '--via', ''], '--via'],
    [[...MINIMUM, '--via', 'my proxy'], '--via'],
    [[...MINIMUM, '--controller-tls-ca', 'ca.pem'], '--controller-tls-cert'],
  ])('refuses %j', (args, flag) => {
    expect(readProxyConfig(args, {})).toEqual({ ok: false, error: expect.stringContaining(flag) });
  });

  test('refuses a duration without a unit from any source', () => {
    const reason = '"10" has no unit: 10s is seconds, 10ms is milliseconds';
    expect(readProxyConfig([...MINIMUM, '--drain-delay', '10'], {})).toEqual({ ok: false, error: `--drain-delay: ${reason}` });
    expect(readProxyConfig(MINIMUM, { WEIR_DRAIN_DELAY: '10' })).toEqual({
      ok: false,
      error: `--drain-delay (from WEIR_DRAIN_DELAY): ${reason}`,
    });
    expect(readUpConfig(['folder', '--drain-timeout', '10'], {})).toEqual({ ok: false, error: `--drain-timeout: ${reason}` });
    expect(readProxyConfig([...MINIMUM, '--drain-delay', '0'], {})).toMatchObject({ ok: true, value: { drainDelay: 0 } });
  });

  test('takes sizes with and without a suffix', () => {
    const config = readProxyConfig([...MINIMUM, '--max-head-bytes', '64Ki', '--max-target-bytes', '4096'], {});
    expect(config).toMatchObject({ ok: true, value: { limits: { maxHeadBytes: 65_536, maxTargetBytes: 4_096 } } });
  });

  test('names the flag and the variable of an invalid setting', () => {
    expect(readProxyConfig(MINIMUM, { WEIR_PROBE_PORT: 'x' })).toEqual({ ok: false, error: expect.stringContaining('--probe-port') });
  });
});

test('weir up has smaller defaults and the same flags', () => {
  const config = readUpConfig(['folder', '--max-connections', '7'], {});
  expect(config).toMatchObject({
    ok: true,
    value: { folders: ['folder'], workers: 1, adminPort: null, probePort: null, drainDelay: 0, demo: false, limits: { maxConnections: 7 } },
  });
});
