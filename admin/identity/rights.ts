// The rights of a caller: permissions, each in all namespaces or in some.
import type { Permission } from '../api/permissions.ts';

/** Permissions in some namespaces; null: in all, and for what is in no namespace. */
export interface Grant {
  readonly permissions: ReadonlySet<Permission>;
  readonly namespaces: ReadonlySet<string> | null;
}

/** Limits of the rights of a token; null: no limit. */
export interface Scope {
  readonly permissions: readonly Permission[] | null;
  readonly namespaces: readonly string[] | null;
}

/** Answers whether a permission is given in a namespace; null: in all. */
export type May = (permission: Permission, namespace: string | null) => boolean;

export class Rights {
  readonly grants: readonly Grant[];

  constructor(grants: readonly Grant[]) {
    this.grants = grants;
  }

  may(permission: Permission, namespace: string | null): boolean {
    return this.grants.some(
      ({ permissions, namespaces }) =>
        permissions.has(permission) && (namespaces === null || (namespace !== null && namespaces.has(namespace))),
    );
  }

  mayAnywhere(permission: Permission): boolean {
    return this.grants.some(({ permissions, namespaces }) => permissions.has(permission) && namespaces?.size !== 0);
  }

  /** The rights within the limits of a token. */
  within({ permissions, namespaces }: Scope): Rights {
    return new Rights(
      this.grants.map((grant) => ({
        permissions: permissions === null ? grant.permissions : new Set(permissions.filter((each) => grant.permissions.has(each))),
        namespaces: common(grant.namespaces, namespaces),
      })),
    );
  }
}

/** Whether a caller has all the rights of these grants. A caller may neither give nor take over more rights than its own. */
export function covers(may: May, grants: readonly Grant[]): boolean {
  return grants.every(({ permissions, namespaces }) =>
    [...permissions].every((permission) =>
      namespaces === null ? may(permission, null) : [...namespaces].every((namespace) => may(permission, namespace)),
    ),
  );
}

function common(granted: ReadonlySet<string> | null, limit: readonly string[] | null): ReadonlySet<string> | null {
  if (limit === null) return granted;
  return new Set(granted === null ? limit : limit.filter((namespace) => granted.has(namespace)));
}
