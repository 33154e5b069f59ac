// `telemetry.tracing` of GatewayParameters: the traces of requests without a policy.
import { Type, type Static } from '#lib/typebox.ts';
import { duration, group } from './gateway-parameters-parts.ts';
import { PARENT_MODES, PROPAGATIONS } from './telemetry/tracing.ts';

export const TracingParameters = group(
  'The traces of requests; docs/reference/tracing.md says more. A TelemetryPolicy sets the same for Gateways, listeners and routes.',
  {
    enabled: Type.Optional(Type.Boolean({ description: 'False: only requests with a policy have spans. True by default.' })),
    percent: Type.Optional(Type.Number({ minimum: 0, maximum: 100, description: 'The share of traces that is kept. 1 by default.' })),
    parent: Type.Optional(
      Type.Enum([...PARENT_MODES], { description: 'What the decision of a caller with a trace context is worth. Follow by default.' }),
    ),
    errors: Type.Optional(Type.Boolean({ description: 'Whether failed requests are kept in any case. True by default.' })),
    slowerThan: duration('Requests that take so long are kept in any case. 0s, the default, keeps none for that reason.'),
    propagation: Type.Optional(
      Type.Array(Type.Enum([...PROPAGATIONS]), {
        minItems: 1,
        maxItems: 3,
        description: 'The headers of trace contexts: the first valid one is read, all are written. W3C by default.',
      }),
    ),
  },
);

export type TracingParameters = Static<typeof TracingParameters>;
