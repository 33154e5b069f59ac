// Rules of GatewayParameters that a schema cannot express, most of them CEL in the CRD: for objects from files, and before use.
import { parseFilter } from '#api/access-log/filter.ts';
import { parseFormat } from '#api/access-log/format.ts';
import { parseDuration } from '#lib/duration.ts';
import { parseSyslog } from '#lib/syslog/settings.ts';
import type { FieldError } from './field-error.ts';
import type { GatewayParameters, GatewayParametersSpec } from './gateway-parameters.ts';
import type { SyslogParameters } from './gateway-parameters-syslog.ts';
import { COUNT_LIMITS, TIME_LIMITS, UNLIMITED_AT_0 } from './proxy-limits.ts';

/** The rules that an object violates. */
export function checkGatewayParameters({ spec }: GatewayParameters): FieldError[] {
  return brokenParameters(spec);
}

/** The same for a spec, which may be merged from several objects. */
export function brokenParameters(spec: GatewayParametersSpec): FieldError[] {
  return [
    ...(spec.replicas !== undefined && spec.autoscaling !== undefined
      ? [{ field: 'spec', reason: 'replicas and autoscaling exclude each other' }]
      : []),
    ...checkAutoscaling(spec.autoscaling),
    ...checkService(spec.service),
    ...checkDisruption(spec.podDisruptionBudget),
    ...checkAccessLog(spec.accessLog),
    ...checkSyslog(spec.accessLog?.syslog),
    ...checkAcme(spec.acme),
    ...checkRedis(spec.redis),
    ...checkOtlp(spec.telemetry),
    ...Object.entries(spec.limits ?? {}).flatMap(([name, value]) => checkLimit(name, value)),
  ];
}

/** The same for the parameters of a Gateway and of its class together, and the rules between fields that either may set. */
export function brokenTogether(spec: GatewayParametersSpec): FieldError[] {
  const needsCollector = spec.accessLog?.otlp === true && spec.telemetry?.otlp === undefined;
  return [
    ...brokenParameters(spec),
    ...(needsCollector ? [{ field: 'spec.accessLog.otlp', reason: 'needs a collector, spec.telemetry.otlp' }] : []),
  ];
}

function checkAutoscaling(autoscaling: GatewayParametersSpec['autoscaling']): FieldError[] {
  if (autoscaling?.min === undefined || autoscaling.min <= autoscaling.max) return [];
  return [{ field: 'spec.autoscaling.min', reason: 'must not be greater than max' }];
}

function checkService(service: GatewayParametersSpec['service']): FieldError[] {
  const errors: FieldError[] = [];
  if (service?.type === 'ClusterIP' && service.externalTrafficPolicy !== undefined) {
    errors.push({ field: 'spec.service.externalTrafficPolicy', reason: 'is not for ClusterIP' });
  }
  if (service?.type !== undefined && service.type !== 'LoadBalancer' && service.loadBalancerClass !== undefined) {
    errors.push({ field: 'spec.service.loadBalancerClass', reason: 'is only for LoadBalancer' });
  }
  return errors;
}

function checkDisruption(budget: GatewayParametersSpec['podDisruptionBudget']): FieldError[] {
  if (budget === undefined || (budget.minAvailable === undefined) !== (budget.maxUnavailable === undefined)) return [];
  return [{ field: 'spec.podDisruptionBudget', reason: 'exactly one of minAvailable and maxUnavailable must be set' }];
}

function checkAccessLog({ format = 'json', fields = [], filter = '' }: GatewayParametersSpec['accessLog'] = {}): FieldError[] {
  const errors: FieldError[] = [];
  const parsedFormat = parseFormat(format, fields.join(','));
  const field = format === 'json' ? 'spec.accessLog.fields' : 'spec.accessLog.format';
  if (!parsedFormat.ok) errors.push({ field, reason: parsedFormat.error });
  const parsedFilter = parseFilter(filter);
  if (!parsedFilter.ok) errors.push({ field: 'spec.accessLog.filter', reason: parsedFilter.error });
  return errors;
}

function checkSyslog(syslog: SyslogParameters | undefined): FieldError[] {
  if (syslog === undefined) return [];
  const { url, caConfigMapRef, caSecretRef } = syslog;
  const parsed = parseSyslog(url);
  if (!parsed.ok) return [{ field: 'spec.accessLog.syslog.url', reason: parsed.error }];
  const broken: readonly (readonly [boolean, string])[] = [
    [caConfigMapRef !== undefined && caSecretRef !== undefined, 'caConfigMapRef and caSecretRef exclude each other'],
    [
      parsed.value?.tls !== true && (caConfigMapRef !== undefined || caSecretRef !== undefined),
      'caConfigMapRef and caSecretRef are only for tls://',
    ],
  ];
  return broken.filter(([isBroken]) => isBroken).map(([, reason]) => ({ field: 'spec.accessLog.syslog', reason }));
}

function checkAcme(acme: GatewayParametersSpec['acme']): FieldError[] {
  if (acme === undefined) return [];
  const renewBefore = acme.renewBefore === undefined ? null : parseDuration(acme.renewBefore);
  return [
    ...(acme.challenge === 'DNS01' && acme.webhook === undefined ? [{ field: 'spec.acme', reason: 'challenge DNS01 needs webhook' }] : []),
    ...(renewBefore?.ok === false ? [{ field: 'spec.acme.renewBefore', reason: renewBefore.error }] : []),
  ];
}

function checkRedis(redis: GatewayParametersSpec['redis']): FieldError[] {
  if (redis === undefined) return [];
  const { mode = 'Single', addresses, masterName, database, tls = {}, timeout = '1s' } = redis;
  const spent = parseDuration(timeout);
  const broken: readonly (readonly [boolean, string, string])[] = [
    [mode === 'Single' && addresses.length !== 1, '.addresses', 'mode Single needs exactly one address'],
    [(mode === 'Sentinel') !== (masterName !== undefined), '.masterName', 'mode Sentinel needs masterName, other modes have none'],
    [mode !== 'Single' && database !== undefined, '.database', 'database is for mode Single only'],
    [tls.caConfigMapRef !== undefined && tls.caSecretRef !== undefined, '.tls', 'caConfigMapRef and caSecretRef exclude each other'],
    [!spent.ok, '.timeout', spent.ok ? '' : spent.error],
  ];
  return broken.filter(([isBroken]) => isBroken).map(([, field, reason]) => ({ field: `spec.redis${field}`, reason }));
}

const LONGEST_OTLP_TIMEOUT_MS = 60_000;
const SHORTEST_PUSH_MS = 1_000;

function checkOtlp(telemetry: GatewayParametersSpec['telemetry']): FieldError[] {
  const otlp = telemetry?.otlp;
  if (otlp === undefined) return [];
  const broken: readonly (readonly [boolean, string, string])[] = [
    [otlp.caConfigMapRef !== undefined && otlp.caSecretRef !== undefined, '', 'caConfigMapRef and caSecretRef exclude each other'],
    [otlp.metricsInterval !== undefined && otlp.metrics !== true, '.metricsInterval', 'is only for metrics: true'],
    [!isWithin(otlp.timeout, 1, LONGEST_OTLP_TIMEOUT_MS), '.timeout', 'must be from 1ms to 60s'],
    [!isWithin(otlp.metricsInterval, SHORTEST_PUSH_MS, Infinity), '.metricsInterval', 'must be at least 1s'],
  ];
  const names = Object.keys(otlp.resourceAttributes ?? {}).filter((name) => !/^[A-Za-z][A-Za-z0-9_./-]{0,127}$/.test(name));
  return [
    ...broken.filter(([isBroken]) => isBroken).map(([, field, reason]) => ({ field: `spec.telemetry.otlp${field}`, reason })),
    ...names.map((name) => ({ field: `spec.telemetry.otlp.resourceAttributes[${name}]`, reason: 'is not the name of an attribute' })),
  ];
}

function isWithin(duration: string | undefined, minimum: number, maximum: number): boolean {
  const parsed = parseDuration(duration ?? '10s');
  return parsed.ok && parsed.value >= minimum && parsed.value <= maximum;
}

const COUNTS: ReadonlySet<string> = new Set(COUNT_LIMITS);
const TIMES: ReadonlySet<string> = new Set(TIME_LIMITS);

function checkLimit(name: string, value: string): FieldError[] {
  const field = `spec.limits[${name}]`;
  if (TIMES.has(name)) {
    const parsed = parseDuration(value);
    return parsed.ok ? [] : [{ field, reason: parsed.error }];
  }
  if (!COUNTS.has(name)) return [{ field, reason: 'is not a limit of a proxy' }];
  const minimum = UNLIMITED_AT_0.has(name) ? 0 : 1;
  const isCount = /^[0-9]{1,15}$/.test(value) && Number(value) >= minimum;
  return isCount ? [] : [{ field, reason: `must be a whole number, at least ${minimum}` }];
}
