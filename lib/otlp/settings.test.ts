// Flags and the variables of OpenTelemetry.
import { describe, expect, test } from '@jest/globals';
import { caught, FlagValues } from '../flags.ts';
import { OTLP_FLAGS, readOtlp } from './settings.ts';

function read(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return caught(() => readOtlp(new FlagValues(args, OTLP_FLAGS, environment), environment, 'pod-1'));
}

function settingsOf(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const settings = read(args, environment);
  if (!settings.ok || settings.value === null) throw new Error(settings.ok ? 'off' : settings.error);
  return settings.value;
}

test('there is nothing without an endpoint, or if OpenTelemetry is turned off', () => {
  expect(read([])).toEqual({ ok: true, value: null });
  expect(read(['--otlp-endpoint', 'http://c:4318'], { OTEL_SDK_DISABLED: 'true' })).toEqual({ ok: true, value: null });
});

test('HTTP has a path for each signal, gRPC has none', () => {
  const { signals } = settingsOf(['--otlp-endpoint', 'https://c:4318/otlp/']);
  expect(Object.values(signals).map(({ url }) => url)).toEqual(
    ['traces', 'logs', 'metrics'].map((name) => `https://c:4318/otlp/v1/${name}`),
  );
  expect(settingsOf(['--otlp-endpoint', 'http://c:4317', '--otlp-protocol', 'grpc']).signals.logs).toMatchObject({
    url: 'http://c:4317',
    protocol: 'grpc',
  });
});

test('a variable of a signal wins over a flag, and a flag over the variable for all signals', () => {
  const { signals } = settingsOf(['--otlp-endpoint', 'http://flag:1', '--otlp-timeout', '3s'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:2',
    OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://logs:3/in',
    OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '700',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-a=1%202, x-b = c',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-c=d',
  });
  expect(signals.logs).toMatchObject({
    url: 'http://logs:3/in',
    timeoutMs: 700,
    headers: [
      ['x-a', '1 2'],
      ['x-b', 'c'],
    ],
  });
  expect(signals.traces).toMatchObject({ url: 'http://flag:1/v1/traces', timeoutMs: 3_000, headers: [['x-c', 'd']] });
});

test('the variables of the batch processors say how long batches gather', () => {
  const ages = (environment: Readonly<Record<string, string>>) => {
    const { signals } = settingsOf(['--otlp-endpoint', 'http://c:1'], environment);
    return [signals.traces?.batchAgeMs, signals.logs?.batchAgeMs, signals.metrics?.batchAgeMs];
  };
  expect(ages({})).toEqual([1_000, 1_000, 1_000]);
  expect(ages({ OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_BLRP_SCHEDULE_DELAY: '60000' })).toEqual([50, 60_000, 1_000]);
});

test('one signal alone has an endpoint by its variable', () => {
  const { signals } = settingsOf([], { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:4318/v1/traces' });
  expect(Object.keys(signals)).toEqual(['traces']);
});

test('the resource has the names of the variables', () => {
  const environment = { OTEL_SERVICE_NAME: 'edge', OTEL_RESOURCE_ATTRIBUTES: 'weir.fleet=shop%2Fweb,k8s.node.name=,a=b' };
  const { resource } = settingsOf(['--otlp-endpoint', 'http://c:1'], environment);
  const entries = Object.fromEntries(Array.from({ length: resource.length / 2 }, (_, i) => [resource[2 * i], resource[2 * i + 1]]));
  expect(entries).toMatchObject({ 'service.name': 'edge', 'service.instance.id': 'pod-1', 'weir.fleet': 'shop/web', a: 'b' });
  expect(entries).not.toHaveProperty('k8s.node.name');
});

describe('a mistake is told without what may be secret', () => {
  test.each([
    [['--otlp-endpoint', 'collector:4318'], {}, /--otlp-endpoint.*is not a URL/],
    [['--otlp-endpoint', 'http://u:hidden@c:1'], {}, /user or password/],
    [['--otlp-endpoint', 'http://c:1?token=hidden'], {}, /must not have/],
    [['--otlp-endpoint', 'http://c:1', '--otlp-protocol', 'http/json'], {}, /none of grpc, http\/protobuf/],
    [['--otlp-endpoint', 'http://c:1', '--otlp-cert-file', 'a'], {}, /belong together/],
    [['--otlp-endpoint', 'http://c:1', '--otlp-timeout', '2m'], {}, /from 1 ms to 60 s/],
    [['--otlp-metrics-interval', '10s'], {}, /needs --otlp-endpoint/],
    [['--otlp-endpoint', 'http://c:1', '--otlp-metrics-interval', '1ms'], {}, /at least 1s/],
    [['--otlp-endpoint', 'http://c:1'], { OTEL_EXPORTER_OTLP_HEADERS: 'hidden' }, /part 1 is not NAME=VALUE/],
    [['--otlp-endpoint', 'http://c:1'], { OTEL_EXPORTER_OTLP_HEADERS: 'a b=hidden' }, /header 1 has an invalid/],
    [['--otlp-endpoint', 'http://c:1'], { OTEL_EXPORTER_OTLP_HEADERS: 'a=b%0d%0ac:hidden' }, /header 1 has an invalid/],
    [['--otlp-endpoint', 'http://c:1'], { OTEL_RESOURCE_ATTRIBUTES: 'a=%hidden' }, /part 1/],
    [
      ['--otlp-endpoint', 'http://c:1'],
      { OTEL_BSP_SCHEDULE_DELAY: '1s' },
      /OTEL_BSP_SCHEDULE_DELAY: must be milliseconds, from 1 to 60000/,
    ],
    [['--otlp-endpoint', 'http://c:1'], { OTEL_BLRP_SCHEDULE_DELAY: '60001' }, /OTEL_BLRP_SCHEDULE_DELAY: must be milliseconds/],
  ])('%j %j', (args, environment, reason) => {
    const result = read(args, environment as Record<string, string>);
    expect(result.ok ? '' : result.error).toMatch(reason);
    expect(result.ok ? '' : result.error).not.toContain('hidden');
  });
});
