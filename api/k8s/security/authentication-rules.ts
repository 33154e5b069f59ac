// Rules of authenticators that a schema cannot express, at every place of the tree.
import type { FieldError } from '../field-error.ts';
import { checkExternal } from './external.ts';
import { checkIntrospection } from './introspection.ts';
import { checkOidc } from './oidc.ts';

/** The rules of each authenticator that has some. */
const CHECKS: Readonly<Record<string, (settings: object, field: string) => FieldError[]>> = {
  external: checkExternal,
  introspection: checkIntrospection,
  oidc: checkOidc,
};

type Member = Readonly<Record<string, unknown>>;

/** The rules that a tree of authenticators violates. */
export function checkAuthentication(tree: object | undefined, field: string): FieldError[] {
  return Object.entries((tree ?? {}) as Member).flatMap(([name, value]) => {
    if (Array.isArray(value)) return value.flatMap((member: object, i) => checkAuthentication(member, `${field}.${name}[${i}]`));
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
    return check === undefined ? [] : check(value as object, `${field}.${name}`);
  });
}
