// The operations of tokens. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface TokensOperations {
  /** List the oldest 1000 API tokens of all users. */
  readonly 'tokens.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly items: readonly {
        /** Its id. */
        readonly id: string;
        /** Its name. */
        readonly name: string;
        /** The name of the user whose rights it has. */
        readonly owner: string;
        /** The permissions that it is limited to; null: all of its owner. */
        readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[] | null;
        /** The namespaces that it is limited to; null: all of its owner. */
        readonly namespaces: readonly string[] | null;
        /** A time by RFC 3339. */
        readonly created: string;
        readonly createdBy: string;
        /** A time by RFC 3339. */
        readonly expires: string;
        /** A time by RFC 3339; null: never. */
        readonly lastUsed: string | null;
        /** The address of its last use. */
        readonly lastAddress: string;
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List the API tokens of a user. */
  readonly 'users.listTokens': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
    };
    readonly answer: {
      readonly items: readonly {
        /** Its id. */
        readonly id: string;
        /** Its name. */
        readonly name: string;
        /** The name of the user whose rights it has. */
        readonly owner: string;
        /** The permissions that it is limited to; null: all of its owner. */
        readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[] | null;
        /** The namespaces that it is limited to; null: all of its owner. */
        readonly namespaces: readonly string[] | null;
        /** A time by RFC 3339. */
        readonly created: string;
        readonly createdBy: string;
        /** A time by RFC 3339. */
        readonly expires: string;
        /** A time by RFC 3339; null: never. */
        readonly lastUsed: string | null;
        /** The address of its last use. */
        readonly lastAddress: string;
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Make an API token for a user. The caller must have all rights that the token has. */
  readonly 'users.createToken': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
      readonly body: {
        /** Its name, for people. */
        readonly name: string;
        /** The days after which it expires. */
        readonly days: number;
        /** Permissions. */
        readonly permissions?: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[];
        /** Namespaces. */
        readonly namespaces?: readonly string[];
      };
    };
    readonly answer: {
      readonly token: {
        /** Its id. */
        readonly id: string;
        /** Its name. */
        readonly name: string;
        /** The name of the user whose rights it has. */
        readonly owner: string;
        /** The permissions that it is limited to; null: all of its owner. */
        readonly permissions: readonly ('users:read' | 'users:write' | 'roles:read' | 'roles:write' | 'tenants:read' | 'tenants:write' | 'tokens:read' | 'tokens:write' | 'sessions:read' | 'sessions:write' | 'configuration:read' | 'configuration:write' | 'revisions:read' | 'revisions:rollback' | 'backups:read' | 'backups:write' | 'backups:restore' | 'audit:read' | 'audit:write' | 'traffic:read' | 'traffic:write' | 'requests:read' | 'alerts:read' | 'alerts:write' | 'system:read' | 'system:write' | 'system:diagnose')[] | null;
        /** The namespaces that it is limited to; null: all of its owner. */
        readonly namespaces: readonly string[] | null;
        /** A time by RFC 3339. */
        readonly created: string;
        readonly createdBy: string;
        /** A time by RFC 3339. */
        readonly expires: string;
        /** A time by RFC 3339; null: never. */
        readonly lastUsed: string | null;
        /** The address of its last use. */
        readonly lastAddress: string;
      };
      /** The token itself. It is not shown again. */
      readonly secret: string;
    };
    readonly streams: false;
    readonly code: 'rights-exceeded' | 'too-many-tokens';
  };
  /** Revoke an API token. */
  readonly 'tokens.revoke': {
    readonly input: {
      readonly params: {
        /** Its id. */
        readonly token: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'rights-exceeded';
  };
}

export const TOKENS: Readonly<Record<keyof TokensOperations, OperationFacts>> = {
  'tokens.list': { method: 'GET', path: '/tokens', streams: null },
  'users.listTokens': { method: 'GET', path: '/users/{user}/tokens', streams: null },
  'users.createToken': { method: 'POST', path: '/users/{user}/tokens', streams: null },
  'tokens.revoke': { method: 'DELETE', path: '/tokens/{token}', streams: null },
};
