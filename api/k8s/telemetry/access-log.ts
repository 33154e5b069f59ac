// The group `accessLog` of a TelemetryPolicy: which requests have lines, and what is in them.
import { Type } from '#lib/typebox.ts';
import { parseFormat } from '../../access-log/format.ts';
import type { FieldError } from '../field-error.ts';
import { choices, flag, group, logExpression, percent, size, whole } from '../setting.ts';

/** A media type, with one star behind the slash. */
const MEDIA_RANGE = '^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]*([*][A-Za-z0-9!#$&^_.+-]*)?$';

/** One of both bodies. */
function body(which: string) {
  return whole(`Lines have the beginning of the body of the ${which}, without secrets. A nearer policy replaces all of it.`, {
    maxBytes: size('Bytes of the body that are kept. A line has at most 4,096 bytes.', { minimum: 1, maximum: 2_048 }),
    contentTypes: Type.Optional(
      Type.Array(
        Type.String({ minLength: 1, maxLength: 128, pattern: MEDIA_RANGE, '~must': 'a media type like text/* or application/*+json' }),
        {
          minItems: 1,
          maxItems: 16,
          description: 'The media types of logged bodies; * stands for any characters, once.',
        },
      ),
    ),
  });
}

export const accessLog = group('The lines of the access log.', {
  enabled: flag(
    'Whether requests have lines. Without it the flag --access-log decides; true writes to standard output if the flag is off.',
  ),
  filter: logExpression(
    'A condition in CEL: only requests for which it is true have lines. It reads the request, the answer, the caller and `outcome`.',
  ),
  sampling: group('A share of the lines that the filter keeps.', {
    percent: percent('The share that is written, chosen at random.'),
    always: logExpression('A condition in CEL: lines for which it is true are always written.'),
  }),
  sinks: choices('The destinations of the lines, of those that the flags of the proxies set up: Output is that of --access-log.', [
    'Output',
    'OTLP',
    'Syslog',
  ]),
  requestBody: body('request'),
  responseBody: body('answer'),
  fields: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 160 }), {
      minItems: 1,
      maxItems: 64,
      description: 'The fields of the lines, which are JSON then: names, or names with + or - in front that change the default fields.',
    }),
  ),
});

/** The settings as written, as far as rules concern them. */
interface WrittenAccessLog {
  readonly fields?: readonly string[];
}

/** The rules that the lines violate. */
export function checkAccessLog({ fields = [] }: WrittenAccessLog = {}): FieldError[] {
  const format = parseFormat('json', fields.join(','));
  return format.ok ? [] : [{ field: 'spec.accessLog.fields', reason: format.error }];
}
