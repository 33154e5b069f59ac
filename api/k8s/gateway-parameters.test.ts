import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TSchema } from '#lib/typebox.ts';
import { flagsOf } from '#lib/flags.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { PROXY_FLAGS } from '../../proxy/config.ts';
import { describeError } from './field-error.ts';
import { GatewayParametersSpec } from './gateway-parameters.ts';
import { brokenTogether } from './gateway-parameters-rules.ts';
import { COUNT_LIMITS, TIME_LIMITS } from './proxy-limits.ts';
import { validateObject } from './validate.ts';

const DOCUMENT = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'fleets.md'), 'utf8');

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
}

function rows({ properties = {} }: Described, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, field]) => [
    `| \`${prefix}${name}\` | ${field.description ?? 'WITHOUT DESCRIPTION'} |`,
    ...rows(field, `${prefix}${name}.`),
  ]);
}

test('docs/reference/fleets.md has every field with its description, and no others', () => {
  const section = DOCUMENT.split(/^## /m).find((text) => text.startsWith('GatewayParameters\n')) ?? '';
  const documented = section.split('\n').filter((line) => line.startsWith('| `'));
  expect(documented).toEqual(rows(GatewayParametersSpec as TSchema as Described, ''));
});

test('the limits are those of the proxy', () => {
  const flags = Object.keys(DEFAULT_LIMITS).map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  expect([...COUNT_LIMITS, ...TIME_LIMITS].sort()).toEqual(flags.sort());
  for (const name of TIME_LIMITS) expect(flagsOf(PROXY_FLAGS)[name]).toMatchObject({ value: 'TIME' });
});

describe('GatewayParameters', () => {
  const check = (spec: object) => {
    const object = { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'GatewayParameters', metadata: { name: 'a' }, spec };
    const result = validateObject(object, { strict: true });
    return result.ok ? [] : result.error.map(describeError);
  };

  test.each([
    [{ replicas: 2, autoscaling: { max: 3 } }, 'spec: replicas and autoscaling exclude each other'],
    [{ autoscaling: { min: 4, max: 3 } }, 'spec.autoscaling.min: must not be greater than max'],
    [{ service: { type: 'ClusterIP', externalTrafficPolicy: 'Local' } }, 'spec.service.externalTrafficPolicy: is not for ClusterIP'],
    [{ service: { type: 'NodePort', loadBalancerClass: 'a' } }, 'spec.service.loadBalancerClass: is only for LoadBalancer'],
    [{ podDisruptionBudget: {} }, 'spec.podDisruptionBudget: exactly one of minAvailable and maxUnavailable must be set'],
    [{ limits: { 'max-connection': '1' } }, 'spec.limits[max-connection]: is not a limit of a proxy'],
    [{ limits: { 'max-headers': '0' } }, 'spec.limits[max-headers]: must be a whole number, at least 1'],
    [{ limits: { 'connect-timeout': '5' } }, 'spec.limits[connect-timeout]: must be a duration like 10s, 1h30m or 100ms'],
    [{ drain: { delay: '5' } }, 'spec.drain.delay: must be a duration like 10s, 1h30m or 100ms'],
    [{ resources: { limits: { cpu: '1 core' } } }, 'spec.resources.limits.cpu: must be a quantity like 2, 500m or 256Mi'],
    [{ accessLog: { format: '%{pth}' } }, 'spec.accessLog.format: "pth" is not a field of the access log; did you mean path?'],
    [
      { accessLog: { format: 'common', fields: ['path'] } },
      'spec.accessLog.format: fields need the format json; a template contains its own fields',
    ],
    [{ accessLog: { fields: ['stauts'] } }, 'spec.accessLog.fields: "stauts" is not a field of the access log; did you mean status?'],
    [{ accessLog: { filter: 'sample=2' } }, 'spec.accessLog.filter: sample: "2" is not a share above 0 and up to 1'],
    [{ accessLog: { syslog: { url: 'udp://logs:514' } } }, 'spec.accessLog.syslog.url: must be a URL like tls://logs.example.com:6514'],
    [{ accessLog: { syslog: { url: 'tcp://logs:70000' } } }, 'spec.accessLog.syslog.url: is not tcp://HOST:PORT or tls://HOST:PORT'],
    [
      { accessLog: { syslog: { url: 'tcp://logs:601', caSecretRef: { name: 'a', key: 'b' } } } },
      'spec.accessLog.syslog: caConfigMapRef and caSecretRef are only for tls://',
    ],
    [
      { accessLog: { syslog: { url: 'tls://logs', caSecretRef: { name: 'a', key: 'b' }, caConfigMapRef: { name: 'a', key: 'b' } } } },
      'spec.accessLog.syslog: caConfigMapRef and caSecretRef exclude each other',
    ],
    [{ redis: { addresses: ['a', 'b'] } }, 'spec.redis.addresses: mode Single needs exactly one address'],
    [{ redis: { addresses: ['u:secret@a'] } }, 'spec.redis.addresses[0]: must be an address like cache:6379'],
    [{ redis: { mode: 'Sentinel', addresses: ['a'] } }, 'spec.redis.masterName: mode Sentinel needs masterName, other modes have none'],
    [{ redis: { mode: 'Cluster', addresses: ['a'], database: 1 } }, 'spec.redis.database: database is for mode Single only'],
    [
      { redis: { addresses: ['a'], tls: { caSecretRef: { name: 'a', key: 'b' }, caConfigMapRef: { name: 'a', key: 'b' } } } },
      'spec.redis.tls: caConfigMapRef and caSecretRef exclude each other',
    ],
    [{ redis: { addresses: ['a'], timeout: '5' } }, 'spec.redis.timeout: must be a duration like 10s, 1h30m or 100ms'],
    [{ fleet: 'Own' }, 'spec.fleet: must be one of Shared, PerGateway'],
    [{ fleets: 'Shared' }, 'spec.fleets: is not a known field; did you mean fleet?'],
  ])('%j is refused', (spec, reason) => {
    expect(check(spec)).toEqual([reason]);
  });

  test('lines for a collector need one, which the class may have', () => {
    const error = { field: 'spec.accessLog.otlp', reason: 'needs a collector, spec.telemetry.otlp' };
    expect(check({ accessLog: { otlp: true } })).toEqual([]);
    expect(brokenTogether({ accessLog: { otlp: true } })).toEqual([error]);
    expect(brokenTogether({ accessLog: { otlp: true }, telemetry: { otlp: { endpoint: 'http://collector:4318' } } })).toEqual([]);
  });

  test('all fields are optional, and sizes may be numbers', () => {
    expect(check({})).toEqual([]);
    expect(
      check({ resources: { limits: { cpu: 2 } }, podDisruptionBudget: { maxUnavailable: 1 }, limits: { 'max-connections': '0' } }),
    ).toEqual([]);
  });
});
