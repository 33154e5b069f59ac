// The conditions of a rule, compiled: each is a function of the request. Those that cost least come first.
import { AddressRanges } from '#lib/address-ranges.ts';
import type { PolicySettings } from '../policy/settings.ts';
import { pathTest } from './path-condition.ts';
import type { Roles } from './roles.ts';
import type { AccessSubject } from './subject.ts';
import { WeekTime } from './week-time.ts';

export type AuthorizationSettings = NonNullable<PolicySettings<'SecurityPolicy'>['authorization']>;
export type RuleSettings = NonNullable<AuthorizationSettings['rules']>[number];
type PrincipalSettings = NonNullable<RuleSettings['principal']>;

/** One condition of a rule. */
export interface Condition {
  /** Its field in the rule. */
  readonly field: string;
  holds(subject: AccessSubject): boolean;
}

/** Compiles the conditions of a rule without `when`. */
export function conditionsOf({ action, principal = {}, operation = {}, times }: RuleSettings, roles: Roles): readonly Condition[] {
  const { methods, paths } = operation;
  return [
    ...(methods === undefined ? [] : [oneOf('operation.methods', methods, ({ method }) => method)]),
    ...(paths === undefined ? [] : [pathCondition(paths.map(pathTest))]),
    ...identityConditions(principal),
    ...roleConditions(principal, roles),
    ...(principal.claims ?? []).map(claimCondition),
    ...(principal.scopes === undefined ? [] : [scopeCondition(principal.scopes)]),
    ...(principal.clientCIDRs === undefined ? [] : [addressCondition(principal.clientCIDRs)]),
    ...(principal.headers ?? []).map((header) => headerCondition(header, action === 'Deny')),
    ...(times === undefined ? [] : [timeCondition(times.map((time) => new WeekTime(time)))]),
  ];
}

/** '' is in no list of a policy. */
function oneOf(field: string, values: readonly string[], read: (subject: AccessSubject) => string): Condition {
  const set = new Set(values);
  return { field, holds: (subject) => set.has(read(subject)) };
}

function pathCondition(tests: readonly ((path: string) => boolean)[]): Condition {
  return { field: 'operation.paths', holds: ({ path }) => tests.some((test) => test(path)) };
}

function identityConditions({ ids, groups, consumers, plans, methods }: PrincipalSettings): readonly Condition[] {
  return [
    ...(ids === undefined ? [] : [oneOf('principal.ids', ids, ({ principal }) => principal?.id ?? '')]),
    ...(consumers === undefined ? [] : [oneOf('principal.consumers', consumers, ({ principal }) => principal?.consumer ?? '')]),
    ...(plans === undefined ? [] : [oneOf('principal.plans', plans, ({ principal }) => principal?.plan ?? '')]),
    ...(methods === undefined ? [] : [oneOf('principal.methods', methods, ({ principal }) => principal?.method ?? '')]),
    ...(groups === undefined ? [] : [groupCondition(new Set(groups))]),
  ];
}

function groupCondition(wanted: ReadonlySet<string>): Condition {
  return { field: 'principal.groups', holds: ({ principal }) => principal !== null && principal.groups.some((each) => wanted.has(each)) };
}

function roleConditions({ roles: names, permissions }: PrincipalSettings, roles: Roles): readonly Condition[] {
  return [
    ...(names === undefined ? [] : [{ field: 'principal.roles', holds: roles.named(names) }]),
    ...(permissions === undefined ? [] : [{ field: 'principal.permissions', holds: roles.permitting(permissions) }]),
  ];
}

function claimCondition({ name = '', values = [] }: NonNullable<PrincipalSettings['claims']>[number]): Condition {
  const wanted = new Set(values);
  const path = name.split('.');
  const isWanted = (value: unknown): boolean => isScalar(value) && wanted.has(String(value));
  return {
    field: `principal.claims ${name}`,
    holds: ({ principal }) => {
      if (principal === null) return false;
      const value = claimAt(principal.claims, name, path);
      return Array.isArray(value) ? value.some(isWanted) : isWanted(value);
    },
  };
}

/** A claim whose name has dots comes before claims within claims. */
function claimAt(claims: Readonly<Record<string, unknown>>, name: string, path: readonly string[]): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** `scope` is a text with spaces (RFC 8693 section 4.2); some issuers write the list `scp`. */
function scopeCondition(wanted: readonly string[]): Condition {
  return {
    field: 'principal.scopes',
    holds: ({ principal }) => {
      if (principal === null) return false;
      const has = [...scopesIn(principal.claims, 'scope'), ...scopesIn(principal.claims, 'scp')];
      return wanted.every((scope) => has.includes(scope));
    },
  };
}

function scopesIn(claims: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (Array.isArray(value)) return value;
  return typeof value === 'string' ? value.split(' ') : [];
}

/** The rules of the policy have been checked: all of them are ranges. */
function addressCondition(texts: readonly string[]): Condition {
  const ranges = AddressRanges.parse(texts);
  return { field: 'principal.clientCIDRs', holds: ({ clientAddress }) => ranges.includes(clientAddress) };
}

/** The backend may read any line of a header, so a rule that allows needs all of them to match, and a rule that denies one. */
function headerCondition({ name = '', values }: NonNullable<PrincipalSettings['headers']>[number], isDeny: boolean): Condition {
  const key = name.toLowerCase();
  const wanted = values === undefined ? null : new Set(values);
  return {
    field: `principal.headers ${key}`,
    holds: ({ requestHeaders }) => {
      let found = false;
      for (let i = 0; i < requestHeaders.length; i += 2) {
        if (requestHeaders[i] !== key) continue;
        found = wanted === null || wanted.has(requestHeaders[i + 1] as string);
        if (found === isDeny) return found;
      }
      return found;
    },
  };
}

function timeCondition(times: readonly WeekTime[]): Condition {
  return {
    field: 'times',
    holds: () => {
      const now = Date.now();
      return times.some((time) => time.includes(now));
    },
  };
}
