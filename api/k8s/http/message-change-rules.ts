// Rules of the changes of messages of an HTTPPolicy that a schema cannot express.
import { RE2JS } from 're2js';
import { templateExpression } from '#lib/path-template.ts';
import { replacementProblem } from '#lib/path-replacement.ts';
import type { FieldError } from '../field-error.ts';
import { editObstacle, type HeaderEdit, type HeaderSide } from '../header-rules.ts';
import type { PolicyObjects } from '../policies.ts';

type Spec = PolicyObjects['HTTPPolicy']['spec'];
type Path = NonNullable<NonNullable<Spec['request']>['path']>;
type Headers = NonNullable<NonNullable<Spec['request']>['headers']>;

/** Statuses that are not only a number: they say how the message goes on. */
const FIXED_STATUSES: ReadonlySet<number> = new Set([204, 205, 206, 304]);

/** The rules that the changes of requests and answers violate. */
export function checkMessageChanges({ request, response }: Pick<Spec, 'request' | 'response'>): FieldError[] {
  return [
    ...checkPath(request?.path, 'spec.request.path'),
    ...checkHeaders('request', request?.headers, 'spec.request.headers'),
    ...checkHeaders('response', response?.headers, 'spec.response.headers'),
    ...checkMoves(request?.body?.move, 'spec.request.body.move'),
    ...checkMoves(response?.body?.move, 'spec.response.body.move'),
    ...(response?.status ?? []).flatMap(({ to }, i) =>
      FIXED_STATUSES.has(to) ? [{ field: `spec.response.status[${i}].to`, reason: 'must be that of an answer with a whole body' }] : [],
    ),
  ];
}

function checkMoves(moves: readonly { readonly from: string; readonly to: string }[] = [], field: string): FieldError[] {
  return moves.flatMap((move, i) =>
    (['from', 'to'] as const).flatMap((end) =>
      move[end].split('/').includes('*') ? [{ field: `${field}[${i}].${end}`, reason: 'must be one place, without *' }] : [],
    ),
  );
}

function checkPath(path: Path = {}, field: string): FieldError[] {
  const { match, template, replace } = path;
  if (template !== undefined) return checkTemplate(path, field);
  if (replace === undefined) return [];
  if (match === undefined) return [{ field: `${field}.replace`, reason: 'needs match or template beside it' }];
  return checkReplacement(match, replace, `${field}.replace`);
}

function checkTemplate({ match, template = '', replace }: Path, field: string): FieldError[] {
  const at = `${field}.template`;
  if (match !== undefined) return [{ field: at, reason: 'cannot be set together with match: remove one of them' }];
  const expression = templateExpression(template);
  if (!expression.ok) return [{ field: at, reason: expression.error }];
  return replace === undefined ? [] : checkReplacement(expression.value, replace, `${field}.replace`);
}

function checkReplacement(expression: string, replace: string, field: string): FieldError[] {
  const groups = groupsOf(expression);
  // The form of `match` reports an invalid expression.
  const reason = groups === null ? null : replacementProblem(replace, groups);
  return reason === null ? [] : [{ field, reason }];
}

function groupsOf(expression: string): { readonly count: number; readonly names: ReadonlySet<string> } | null {
  try {
    const pattern = RE2JS.compile(expression);
    return { count: pattern.groupCount(), names: new Set(Object.keys(pattern.namedGroups())) };
  } catch {
    return null;
  }
}

function checkHeaders(side: HeaderSide, { set = [], add = [], remove = [], rename = [] }: Headers = {}, field: string): FieldError[] {
  const check = (edit: HeaderEdit, name: string, at: string): FieldError[] => {
    const reason = name.toLowerCase() === 'expect' ? 'is between the client and Weir' : editObstacle(side, edit, name.toLowerCase());
    return reason === null ? [] : [{ field: `${field}.${at}`, reason }];
  };
  return [
    ...set.flatMap(({ name }, i) => check('set', name, `set[${i}].name`)),
    ...add.flatMap(({ name }, i) => check('add', name, `add[${i}].name`)),
    ...remove.flatMap((name, i) => check('remove', name, `remove[${i}]`)),
    ...rename.flatMap(({ from, to }, i) => [...check('remove', from, `rename[${i}].from`), ...check('add', to, `rename[${i}].to`)]),
  ];
}
