// The group `tracing` of a TelemetryPolicy: which requests have spans, how their contexts travel, and what is in the spans.
import { Type } from '#lib/typebox.ts';
import { CREDENTIAL_HEADERS } from '../../access-log/fields.ts';
import { repeated } from '../duplicates.ts';
import type { FieldError } from '../field-error.ts';
import { choice, choices, duration, fieldName, flag, group, logExpression, percent } from '../setting.ts';

export const PARENT_MODES = ['Follow', 'Ignore', 'Restart'] as const;
export const PROPAGATIONS = ['W3C', 'B3', 'B3Multi'] as const;

const NAME_FORM = '^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$';

export const tracing = group('The spans of requests.', {
  enabled: flag('Whether requests have spans and carry trace contexts. Without --otlp-endpoint, there are none.'),
  sampling: group('The traces that are kept.', {
    percent: percent('The share of traces that is kept, by their ids, so that all programs on the way keep the same ones.'),
    parent: choice(
      'The decision of a caller with a trace context: Follow takes it, Ignore joins the trace and lets percent decide, Restart begins a trace for each request, with a link to the span of the caller.',
      PARENT_MODES,
    ),
    errors: flag('Whether the spans of failed requests are kept in any case.'),
    slowerThan: duration('Spans of requests that take so long are kept in any case. 0s keeps none for that reason.'),
    always: logExpression('A condition in CEL: spans of requests for which it is true are kept in any case.'),
  }),
  propagation: choices('The headers of trace contexts: the first valid one is read, all are written.', PROPAGATIONS),
  baggage: flag('Whether the header Baggage of clients passes to backends.'),
  attributes: Type.Optional(
    Type.Array(
      Type.Object(
        {
          name: Type.String({
            minLength: 1,
            maxLength: 128,
            pattern: NAME_FORM,
            description: 'The name of the attribute.',
            '~must': 'a name like tenant or app.tier',
          }),
          header: fieldName('The header of the request that has the value; requests without it have no such attribute.'),
          value: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'The same value for all requests.' })),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 16, description: 'More attributes of the span of a request. Each has either header or value.' },
    ),
  ),
});

/** The settings as written, as far as rules concern them. */
interface WrittenTracing {
  readonly propagation?: readonly string[];
  readonly attributes?: readonly { readonly name: string; readonly header?: string; readonly value?: string }[];
}

/** The rules that the settings violate. */
export function checkTracing({ attributes = [], propagation = [] }: WrittenTracing = {}): FieldError[] {
  return [
    ...repeated(propagation).map((i) => ({ field: `spec.tracing.propagation[${i}]`, reason: 'is listed twice' })),
    ...repeated(attributes.map(({ name }) => name)).map((i) => ({
      field: `spec.tracing.attributes[${i}].name`,
      reason: 'is listed twice',
    })),
    ...attributes.flatMap(({ header, value }, i): FieldError[] => {
      const field = `spec.tracing.attributes[${i}]`;
      if ((header === undefined) === (value === undefined)) return [{ field, reason: 'must have either header or value' }];
      const isSecret = header !== undefined && CREDENTIAL_HEADERS.includes(header.toLowerCase());
      return isSecret ? [{ field: `${field}.header`, reason: 'is a header with credentials, which must not be in traces' }] : [];
    }),
  ];
}
