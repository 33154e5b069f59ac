// Rules of the authorization of a SecurityPolicy that a schema cannot express: names, paths, time zones.
import { repeated } from '../duplicates.ts';
import type { FieldError } from '../field-error.ts';
import { checkPathValue } from '../path-rules.ts';
import type { PolicyObjects } from '../policies.ts';

type Authorization = NonNullable<PolicyObjects['SecurityPolicy']['spec']['authorization']>;
type Rule = NonNullable<Authorization['rules']>[number];
type PathCondition = NonNullable<NonNullable<Rule['operation']>['paths']>[number];

/** The rules that an authorization violates. */
export function checkAuthorization({ roles = [], rules = [] }: Authorization, field: string): FieldError[] {
  const known = new Set(roles.map(({ name }) => name));
  const permitted = new Set(roles.flatMap(({ permissions = [] }) => permissions));
  return [
    ...checkNames(roles, `${field}.roles`, 'role'),
    ...checkNames(rules, `${field}.rules`, 'rule'),
    ...rules.flatMap((rule, i) => checkRule(rule, `${field}.rules[${i}]`, known, permitted)),
  ];
}

function checkNames(named: readonly { readonly name: string }[], field: string, what: string): FieldError[] {
  return repeated(named.map(({ name }) => name)).map((i) => ({ field: `${field}[${i}].name`, reason: `is the name of another ${what}` }));
}

function checkRule(
  { principal = {}, operation = {}, times = [] }: Rule,
  field: string,
  roles: ReadonlySet<string>,
  permissions: ReadonlySet<string>,
): FieldError[] {
  return [
    ...checkKnown(principal.roles, roles, `${field}.principal.roles`, 'is the name of no role in roles'),
    ...checkKnown(principal.permissions, permissions, `${field}.principal.permissions`, 'is a permission of no role in roles'),
    ...(operation.paths ?? []).flatMap((path, i) => checkPath(path, `${field}.operation.paths[${i}].value`)),
    ...times.flatMap(({ from = '00:00', to = '24:00', zone = 'UTC' }, i) => [
      ...(isZone(zone) ? [] : [{ field: `${field}.times[${i}].zone`, reason: 'is not a time zone; use a name such as Europe/Berlin' }]),
      ...(from === to ? [{ field: `${field}.times[${i}].to`, reason: 'is the beginning too, so the time is empty' }] : []),
    ]),
  ];
}

function checkKnown(names: readonly string[] = [], known: ReadonlySet<string>, field: string, reason: string): FieldError[] {
  return names.flatMap((name, i) => (known.has(name) ? [] : [{ field: `${field}[${i}]`, reason }]));
}

const WILDCARD = /^\{[A-Za-z0-9_]+\}$/;

function checkPath({ type, value }: PathCondition, field: string): FieldError[] {
  if (type !== 'Template') return checkPathValue(value, field);
  const segments = value.split('/');
  const fixed = segments.filter((segment, i) => !WILDCARD.test(segment) && !(segment === '**' && i === segments.length - 1));
  const stray = fixed.find((segment) => /[{}*]/.test(segment));
  if (stray !== undefined) return [{ field, reason: `has the segment ${stray}; a whole segment is {name}, and only the last is **` }];
  return checkPathValue(fixed.length > 1 ? fixed.join('/') : value.replace(/\{\w+\}|\*\*/g, 'x'), field);
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
