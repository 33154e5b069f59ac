// The group `redaction` of a TelemetryPolicy: what is hidden in logs, traces and samples of errors.
import { Type } from '#lib/typebox.ts';
import { choices, group } from '../setting.ts';

export const redaction = group(
  'The values that proxies hide in everything they tell about requests, besides the secrets that they know by themselves.',
  {
    names: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
        maxItems: 64,
        description:
          'Names of headers, parameters, cookies and members of JSON whose values are hidden. Case, dashes and underscores make no difference.',
      }),
    ),
    patterns: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1_024, '~form': 'regex' }), {
        maxItems: 16,
        description: 'Regular expressions with the syntax of RE2: the text that they match is hidden.',
      }),
    ),
    jsonPointers: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 512, '~form': 'pointer' }), {
        maxItems: 64,
        description: 'Pointers such as /user/name to the values that are hidden in bodies of JSON; * stands for every member or element.',
      }),
    ),
    allow: choices('The forms of secrets that are not hidden.', ['Cards', 'Emails', 'Tokens']),
  },
);
