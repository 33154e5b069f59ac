// `telemetry` of GatewayParameters: the collector of proxies, and their defaults for traces.
import { Type, type Static } from '#lib/typebox.ts';
import { configMapKey, duration, group, secretKey, texts, withRules } from './gateway-parameters-parts.ts';
import { TracingParameters } from './gateway-parameters-tracing.ts';

/** The URL of a collector: without user, query and fragment. */
const ENDPOINT = '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$';

const Otlp = withRules(
  group('The OpenTelemetry collector for traces, logs and metrics; docs/reference/metrics.md says more.', {
    endpoint: Type.String({
      minLength: 8,
      maxLength: 2_048,
      pattern: ENDPOINT,
      '~must': 'a URL like https://collector:4318',
      description: 'Its URL. With http/protobuf, /v1/traces, /v1/logs and /v1/metrics are added to the path.',
    } as Parameters<typeof Type.String>[0]),
    protocol: Type.Optional(
      Type.Enum(['grpc', 'http/protobuf'], { description: 'The protocol of the endpoint. http/protobuf by default.' }),
    ),
    headersSecretRef: Type.Optional(secretKey('Headers of the requests, such as a token, one NAME: VALUE per line.')),
    caConfigMapRef: Type.Optional(configMapKey('The CA of the certificate of the collector, PEM.')),
    caSecretRef: Type.Optional(secretKey('The same in a Secret.')),
    certificateSecretName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description: 'The Secret with tls.crt and tls.key, the certificate of the proxies, in the namespace of the Gateway.',
      }),
    ),
    compression: Type.Optional(Type.Enum(['none', 'gzip'], { description: 'Of the requests. none by default.' })),
    timeout: duration('How long a request may take, at most 60s. 10s by default.'),
    resourceAttributes: texts('More attributes of the resource, such as deployment.environment.name.'),
    metrics: Type.Optional(Type.Boolean({ description: 'True: proxies also push all metrics. False by default.' })),
    metricsInterval: duration('The time between two pushes, at least 1s. 60s by default.'),
  }),
  ['!has(self.caConfigMapRef) || !has(self.caSecretRef)', 'caConfigMapRef and caSecretRef exclude each other'],
  ['!has(self.metricsInterval) || (has(self.metrics) && self.metrics)', 'metricsInterval is only for metrics: true'],
);

export const TelemetryParameters = group('Where proxies send what they tell.', {
  otlp: Type.Optional(Otlp),
  tracing: Type.Optional(TracingParameters),
});

/** The OpenTelemetry collector of the proxies. */
export type OtlpParameters = Static<typeof Otlp>;
