// The operations of roles. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface RolesOperations {
  /** List permissions. */
  readonly 'permissions.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly items: readonly {
        readonly name: string;
        readonly description: string;
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List roles. */
  readonly 'roles.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly items: readonly {
        /** Its name. */
        readonly name: string;
        /** What it is for. */
        readonly description: string;
        readonly builtIn: boolean;
        /** Permissions. */
        readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[];
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Add a role. It can only have permissions that the caller has in all namespaces. */
  readonly 'roles.create': {
    readonly input: {
      readonly body: {
        /** Its name. */
        readonly name: string;
        /** What it is for. */
        readonly description: string;
        /** Permissions. */
        readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[];
      };
    };
    readonly answer: {
      /** Its name. */
      readonly name: string;
      /** What it is for. */
      readonly description: string;
      readonly builtIn: boolean;
      /** Permissions. */
      readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[];
    };
    readonly streams: false;
    readonly code: 'rights-exceeded' | 'role-exists';
  };
  /** Read a role. */
  readonly 'roles.get': {
    readonly input: {
      readonly params: {
        /** Its name. */
        readonly role: string;
      };
    };
    readonly answer: {
      /** Its name. */
      readonly name: string;
      /** What it is for. */
      readonly description: string;
      readonly builtIn: boolean;
      /** Permissions. */
      readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Replace a role. The sessions of users that have it end, except that of the caller. */
  readonly 'roles.replace': {
    readonly input: {
      readonly params: {
        /** Its name. */
        readonly role: string;
      };
      readonly body: {
        /** What it is for. */
        readonly description: string;
        /** Permissions. */
        readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[];
      };
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: {
      /** Its name. */
      readonly name: string;
      /** What it is for. */
      readonly description: string;
      readonly builtIn: boolean;
      /** Permissions. */
      readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[];
    };
    readonly streams: false;
    readonly code: 'rights-exceeded' | 'role-built-in';
  };
  /** Delete a role. */
  readonly 'roles.delete': {
    readonly input: {
      readonly params: {
        /** Its name. */
        readonly role: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'rights-exceeded' | 'role-built-in' | 'role-in-use';
  };
}

export const ROLES: Readonly<Record<keyof RolesOperations, OperationFacts>> = {
  'permissions.list': { method: 'GET', path: '/permissions', streams: null },
  'roles.list': { method: 'GET', path: '/roles', streams: null },
  'roles.create': { method: 'POST', path: '/roles', streams: null },
  'roles.get': { method: 'GET', path: '/roles/{role}', streams: null },
  'roles.replace': { method: 'PUT', path: '/roles/{role}', streams: null },
  'roles.delete': { method: 'DELETE', path: '/roles/{role}', streams: null },
};
