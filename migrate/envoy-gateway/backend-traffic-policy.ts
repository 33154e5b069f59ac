// BackendTrafficPolicy of Envoy Gateway > that of Weir.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { compact, WEIR_V1 } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { targeting } from './target.ts';

const REASONS = {
  'spec.rateLimit': { reason: 'Weir has no rate limits yet' },
  'spec.healthCheck': {
    reason: 'health checks are not converted; Weir ejects endpoints after five failures in a row by itself',
    advice: 'write healthCheck of the BackendTrafficPolicy by hand',
  },
  'spec.circuitBreaker': {
    reason: 'limits and circuit breakers are not converted',
    advice: 'write circuitBreaker and connectionPool of the BackendTrafficPolicy by hand',
  },
  'spec.loadBalancer': { reason: 'Weir takes endpoints in turn and has no other load balancing yet' },
  'spec.faultInjection': { reason: 'Weir injects no faults yet' },
  'spec.compression': { reason: 'Weir does not compress answers yet' },
  'spec.compressor': { reason: 'Weir does not compress answers yet' },
  'spec.responseOverride': { reason: 'Weir has no error pages of your own yet' },
  'spec.httpUpgrade': { reason: 'WebSockets need no setting, and other upgrades pass as they are' },
};

/** Triggers with the same name and meaning. */
const SAME = ['connect-failure', 'reset', 'refused-stream', 'gateway-error', '5xx'];
/** Statuses of words of Envoy. */
const STATUSES: Readonly<Record<string, readonly number[]>> = { 'retriable-4xx': [409] };
/** Weir does these by itself where a request is safe to repeat, or has the statuses as a field of their own. */
const BY_ITSELF = ['reset-before-request', 'retriable-status-codes'];
const GRPC: Readonly<Record<string, number>> = {
  cancelled: 1,
  'deadline-exceeded': 4,
  'resource-exhausted': 8,
  internal: 13,
  unavailable: 14,
};

/** Writes the policy with the settings that have an equivalent. */
export function convertBackendTraffic(object: InputObject, plan: Plan): void {
  const spec = new Fields(object.value['spec'], 'spec');
  const targets = targeting(spec);
  const timeout = spec.group('timeout');
  const http = timeout.group('http');
  const version = spec.group('proxyProtocol').text('version');
  const retry = spec.group('retry');
  const perRetry = retry.group('perRetry');
  const round = spec.group('loadBalancer');
  if (round.has('type') && /^RoundRobin$/.test(String(object.value['spec'] && round.whole('type')))) round.text('type');
  const settings = compact({
    timeouts: compact({ request: http.text('requestTimeout'), backendRequest: perRetry.text('timeout') }),
    proxyProtocol: version,
    connectionPool: compact({
      connectTimeout: timeout.group('tcp').text('connectTimeout'),
      idleTimeout: http.text('connectionIdleTimeout'),
    }),
    retry: retryOf(retry, perRetry, object, plan),
  });
  spec.text('mergeType');
  plan.unread(object, spec, REASONS);
  if (Object.keys(settings).length === 0) return;
  const metadata = { name: plan.nameFor('BackendTrafficPolicy', object.namespace, object.name), namespace: object.namespace };
  plan.write(object, { apiVersion: WEIR_V1, kind: 'BackendTrafficPolicy', metadata, spec: { ...targets, ...settings } });
}

function retryOf(retry: Fields, perRetry: Fields, object: InputObject, plan: Plan): Record<string, unknown> {
  const attempts = retry.number('numRetries');
  const on = retry.group('retryOn');
  const statuses = on.texts('httpStatusCodes').map(Number);
  const triggers = on.texts('triggers');
  for (const trigger of triggers) {
    if (SAME.includes(trigger) || BY_ITSELF.includes(trigger) || STATUSES[trigger] !== undefined || GRPC[trigger] !== undefined) continue;
    plan.leftOut(object, { field: on.at('triggers'), reason: `${trigger} has no equivalent` });
  }
  const codes = [...new Set([...statuses, ...triggers.flatMap((trigger) => STATUSES[trigger] ?? [])])];
  const grpcStatuses = triggers.flatMap((trigger) => GRPC[trigger] ?? []);
  const same = triggers.filter((trigger) => SAME.includes(trigger));
  const pauses = perRetry.group('backOff');
  return compact({
    attempts,
    ...(same.length > 0 ? { triggers: same } : {}),
    codes,
    grpcStatuses,
    backoff: pauses.text('baseInterval'),
    maxBackoff: pauses.text('maxInterval'),
  });
}
