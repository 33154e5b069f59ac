// The group `accessLog` of a TelemetryPolicy: which requests have lines, and what is in them.
import { Type } from 'typebox';
import { parseFormat } from '../../access-log/format.ts';
import type { FieldError } from '../field-error.ts';
import { choices, flag, group, logExpression, percent } from '../setting.ts';

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
