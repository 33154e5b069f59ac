// The changes of bodies of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import type { ExpressionMoment } from '../../expression/expression.ts';
import { changeExpression, choice, choices, count, group, size } from '../setting.ts';

const MAX_CHANGES = 64;
const MAX_BYTES = 16 * 1_048_576;

function pointer(description: string) {
  return Type.String({ minLength: 1, maxLength: 512, description, '~form': 'pointer' });
}

const ONE = 'A pointer such as /user/name; * stands for every member or element.';

const rename = Type.Object(
  { path: pointer(ONE), to: Type.String({ minLength: 1, maxLength: 256, description: 'The new name.' }) },
  { additionalProperties: false, description: 'One member.' },
);

const move = Type.Object(
  { from: pointer('A pointer without *.'), to: pointer('A pointer without *. Objects on the way are made.') },
  { additionalProperties: false, description: 'One member.' },
);

function set(moment: ExpressionMoment) {
  return Type.Object(
    {
      path: pointer(`${ONE} Objects on the way are made; /- at the end appends to a list.`),
      value: changeExpression('Its value, a CEL expression that may also read `body`.', 'json', moment),
      when: Type.Optional(changeExpression('Applies only if this CEL expression is true; it may also read `body`.', 'body', moment)),
    },
    { additionalProperties: false, description: 'One member.' },
  );
}

function map(moment: ExpressionMoment) {
  return Type.Object(
    {
      path: pointer(ONE),
      value: changeExpression('The new value, a CEL expression over the old one (`value`) and `body`.', 'json', moment),
    },
    { additionalProperties: false, description: 'One place.' },
  );
}

function edits(moment: ExpressionMoment) {
  return {
    remove: Type.Optional(Type.Array(pointer(ONE), { maxItems: MAX_CHANGES, description: 'Removes members and elements.' })),
    rename: Type.Optional(Type.Array(rename, { maxItems: MAX_CHANGES, description: 'Renames members.' })),
    move: Type.Optional(Type.Array(move, { maxItems: MAX_CHANGES, description: 'Moves values to other places.' })),
    map: Type.Optional(Type.Array(map(moment), { maxItems: MAX_CHANGES, description: 'Replaces values by expressions over them.' })),
    set: Type.Optional(Type.Array(set(moment), { maxItems: MAX_CHANGES, description: 'Sets members and elements.' })),
    maxSize: size('The bytes of a body that is changed, before and after.', { minimum: 1, maximum: MAX_BYTES }),
    maxDepth: count('The depth of a body that is changed.', { minimum: 1, maximum: 512 }),
  };
}

/** The forms of bodies that can be read and written. */
export const BODY_FORMS = ['Json', 'Form', 'Xml'] as const;

/** Changes of the bodies of requests. */
export function requestBodyChanges() {
  return group('Changes bodies that are JSON, forms or XML by their Content-Type: removes, renames, moves, maps, then sets.', {
    format: choice('The form that the backend gets. That of the client, when absent.', BODY_FORMS),
    ...edits('request'),
  });
}

/** Changes of the bodies of answers. */
export function answerBodyChanges() {
  return group('Changes bodies that are JSON, forms or XML by their Content-Type: removes, renames, moves, maps, then sets.', {
    formats: choices('The forms that clients can get, by their Accept; the first among equal ones. That of the backend, when absent.', [
      ...BODY_FORMS,
    ]),
    ...edits('response'),
  });
}
