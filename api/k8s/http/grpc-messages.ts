// The group `grpcMessages` of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import type { ExpressionMoment } from '../../expression/expression.ts';
import { changeExpression, choice, size, whole } from '../setting.ts';
import { descriptorSource } from './descriptors.ts';

const MAX_RULES = 32;
const MAX_FIELDS = 64;

/** The statuses of gRPC that refuse, by their names. */
export const REFUSAL_STATUSES = [
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

const method = Type.String({
  minLength: 1,
  maxLength: 512,
  pattern: '^[A-Za-z_][A-Za-z0-9_.]*(/[A-Za-z_][A-Za-z0-9_]*)?$',
  '~must': 'a method like shop.Orders/Create, or a service like shop.Orders',
});

function fieldPath(description: string) {
  return Type.String({ minLength: 1, maxLength: 512, description, '~must': 'the path of a field like card.number' });
}

function fields(description: string) {
  return Type.Optional(Type.Array(fieldPath('The path of a field.'), { minItems: 1, maxItems: MAX_FIELDS, description }));
}

const refuse = Type.Object(
  {
    status: Type.Optional(Type.Enum([...REFUSAL_STATUSES], { description: 'The status of the call.' })),
    message: Type.Optional(Type.String({ maxLength: 256, description: 'The message of the status.' })),
  },
  { additionalProperties: false, description: 'Ends the call with a status in place of the message.' },
);

function setField(moment: ExpressionMoment) {
  const value = changeExpression(
    'Its value, a CEL expression that gives the JSON of the field. Without such a value the field is removed.',
    'json',
    moment,
  );
  return Type.Object(
    { field: fieldPath('The path of the field. Messages on the way are made if they are not set.'), value },
    { additionalProperties: false, description: 'One field.' },
  );
}

function rules(description: string, moment: ExpressionMoment) {
  const facts = moment === 'request' ? 'the request' : 'the request, the answer (`response`)';
  const rule = Type.Object(
    {
      methods: Type.Optional(
        Type.Array(method, { minItems: 1, maxItems: MAX_FIELDS, description: 'Methods and services. When absent: all.' }),
      ),
      when: Type.Optional(
        changeExpression(
          `Applies only if this CEL expression over ${facts} and the message (\`body\`) is true, or has no value for the message.`,
          'body',
          moment,
        ),
      ),
      refuse: Type.Optional(refuse),
      log: fields('Fields for the access log (`messageFields`), of the first message that has them.'),
      set: Type.Optional(Type.Array(setField(moment), { minItems: 1, maxItems: MAX_FIELDS, description: 'Sets fields.' })),
      remove: fields('Removes fields.'),
      mask: fields('Replaces texts by ***, and removes other values; the log gets [redacted].'),
    },
    { additionalProperties: false, description: 'One rule.' },
  );
  return Type.Optional(Type.Array(rule, { minItems: 1, maxItems: MAX_RULES, description }));
}

export const grpcMessages = whole(
  'Inspects and changes the messages of gRPC calls, by the descriptors of the services. A nearer policy replaces all of it.',
  {
    mode: choice('Disabled: messages pass as they are. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
    ...descriptorSource,
    requests: rules('Rules for the messages of clients, in their order.', 'request'),
    answers: rules('Rules for the messages of backends, in their order.', 'response'),
    unknownMethods: choice('Methods that the descriptors do not have. Refuse: UNIMPLEMENTED. Pass: their messages are not read.', [
      'Refuse',
      'Pass',
    ]),
    maxMessageSize: size('Bytes of a message that a rule reads, with and without compression. A larger one ends the call.', {
      minimum: 1,
      maximum: 67_108_864,
    }),
  },
  { unresolved: 'stays' },
);
