// TelemetryPolicy: what proxies tell about requests.
import { accessLog } from './telemetry/access-log.ts';
import { metrics } from './telemetry/metrics.ts';
import { redaction } from './telemetry/redaction.ts';
import { requestId } from './telemetry/request-id.ts';
import { tracing } from './telemetry/tracing.ts';
import { GATEWAY_TARGET, GRPC_ROUTE_TARGET, HTTP_ROUTE_TARGET, LISTENER_SET_TARGET, policyKind } from './policy.ts';

export const telemetryPolicy = policyKind({
  kind: 'TelemetryPolicy',
  plural: 'telemetrypolicies',
  shortNames: ['tp'],
  description:
    'Settings for the ids, traces, metrics and access log lines of requests, and for the secrets that lines hide. The destinations are settings of the proxies. For each field the nearest policy wins: rule, route, listener, ListenerSet, Gateway.',
  targets: [GATEWAY_TARGET, LISTENER_SET_TARGET, HTTP_ROUTE_TARGET, GRPC_ROUTE_TARGET],
  appliesTo: 'rule',
  // A proxy without it follows its flags: the status of the policy says so.
  additions: [{ capability: 'telemetry-policy', path: '', otherwise: 'withhold' }],
  settings: { accessLog, metrics, redaction, requestId, tracing },
});
