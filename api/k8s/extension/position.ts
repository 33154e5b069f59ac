// The setting `position` of an ExtensionPolicy: the place of its extensions in the chain.
import { Type } from '#lib/typebox.ts';
import type { FieldError } from '../field-error.ts';
import { choice } from '../setting.ts';
import { POSITIONS } from './positions.ts';

const EITHER = 'must have either before or after';

const settings = {
  before: choice('The extensions see a request before this filter, and an answer after it.', POSITIONS),
  after: choice('The extensions see a request after this filter, and an answer before it.', POSITIONS),
};

export const position = Type.Optional(
  Type.Object(settings, {
    additionalProperties: false,
    description: 'The place of the extensions among the filters. A nearer policy replaces all of it.',
    '~whole': true,
    'x-kubernetes-validations': [{ rule: 'has(self.before) != has(self.after)', message: EITHER }],
  }),
);

/** The rules that a position violates. */
export function checkPosition(written: { readonly before?: string; readonly after?: string } | undefined, field: string): FieldError[] {
  if (written === undefined || (written.before === undefined) !== (written.after === undefined)) return [];
  return [{ field, reason: EITHER }];
}
