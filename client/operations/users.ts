// The operations of users. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface UsersOperations {
  /** List users by name. */
  readonly 'users.list': {
    readonly input: {
      readonly query?: {
        /** The largest number of items. */
        readonly limit?: number;
        /** The member next of the page before. */
        readonly cursor?: string;
      };
    };
    readonly answer: {
      readonly items: readonly {
        /** Its id. */
        readonly id: string;
        /** The name to log in with. */
        readonly name: string;
        /** The name for people. */
        readonly displayName: string;
        /** oidc: a provider of logins knows the user. */
        readonly source: 'local' | 'oidc';
        /** Whether it can log in with a password. */
        readonly hasPassword: boolean;
        /** The user has no rights before it changes its password. */
        readonly mustChangePassword: boolean;
        /** Whether it may not log in, and its tokens are refused. */
        readonly disabled: boolean;
        /** Whether a login needs a code of TOTP. */
        readonly secondFactor: boolean;
        /** The groups that the provider named at the last login. */
        readonly groups: readonly string[];
        /** A time by RFC 3339. */
        readonly created: string;
        /** A time by RFC 3339; null: never. */
        readonly lastLogin: string | null;
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Add a user. The user has no rights: bind a role to it. It must change its password at the first login. */
  readonly 'users.create': {
    readonly input: {
      readonly body: {
        /** The name to log in with. */
        readonly name: string;
        /** The name for people. */
        readonly displayName?: string;
        /** A password. */
        readonly password?: string;
        /** The user is for tokens, and cannot log in with a password. */
        readonly withoutPassword?: boolean;
      };
    };
    readonly answer: {
      readonly user: {
        /** Its id. */
        readonly id: string;
        /** The name to log in with. */
        readonly name: string;
        /** The name for people. */
        readonly displayName: string;
        /** oidc: a provider of logins knows the user. */
        readonly source: 'local' | 'oidc';
        /** Whether it can log in with a password. */
        readonly hasPassword: boolean;
        /** The user has no rights before it changes its password. */
        readonly mustChangePassword: boolean;
        /** Whether it may not log in, and its tokens are refused. */
        readonly disabled: boolean;
        /** Whether a login needs a code of TOTP. */
        readonly secondFactor: boolean;
        /** The groups that the provider named at the last login. */
        readonly groups: readonly string[];
        /** A time by RFC 3339. */
        readonly created: string;
        /** A time by RFC 3339; null: never. */
        readonly lastLogin: string | null;
      };
      /** A random password, which is not shown again; null if one was given. */
      readonly password: string | null;
    };
    readonly streams: false;
    readonly code: 'user-exists';
  };
  /** Read a user. */
  readonly 'users.get': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
    };
    readonly answer: {
      readonly user: {
        /** Its id. */
        readonly id: string;
        /** The name to log in with. */
        readonly name: string;
        /** The name for people. */
        readonly displayName: string;
        /** oidc: a provider of logins knows the user. */
        readonly source: 'local' | 'oidc';
        /** Whether it can log in with a password. */
        readonly hasPassword: boolean;
        /** The user has no rights before it changes its password. */
        readonly mustChangePassword: boolean;
        /** Whether it may not log in, and its tokens are refused. */
        readonly disabled: boolean;
        /** Whether a login needs a code of TOTP. */
        readonly secondFactor: boolean;
        /** The groups that the provider named at the last login. */
        readonly groups: readonly string[];
        /** A time by RFC 3339. */
        readonly created: string;
        /** A time by RFC 3339; null: never. */
        readonly lastLogin: string | null;
      };
      /** The end of its wait after failed logins. */
      readonly blockedUntil: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Change a user. A user that is disabled loses its sessions, and its tokens are refused. */
  readonly 'users.update': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
      readonly body: {
        /** The name for people. */
        readonly displayName?: string;
        readonly disabled?: boolean;
      };
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: {
      /** Its id. */
      readonly id: string;
      /** The name to log in with. */
      readonly name: string;
      /** The name for people. */
      readonly displayName: string;
      /** oidc: a provider of logins knows the user. */
      readonly source: 'local' | 'oidc';
      /** Whether it can log in with a password. */
      readonly hasPassword: boolean;
      /** The user has no rights before it changes its password. */
      readonly mustChangePassword: boolean;
      /** Whether it may not log in, and its tokens are refused. */
      readonly disabled: boolean;
      /** Whether a login needs a code of TOTP. */
      readonly secondFactor: boolean;
      /** The groups that the provider named at the last login. */
      readonly groups: readonly string[];
      /** A time by RFC 3339. */
      readonly created: string;
      /** A time by RFC 3339; null: never. */
      readonly lastLogin: string | null;
    };
    readonly streams: false;
    readonly code: 'rights-exceeded' | 'last-admin';
  };
  /** Delete a user. Its bindings, sessions and tokens are deleted too. */
  readonly 'users.delete': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'rights-exceeded' | 'last-admin';
  };
  /** Set the password of a user. The user must change it at the next login. Its sessions end. */
  readonly 'users.setPassword': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
      readonly body: {
        /** A password. */
        readonly password?: string;
      };
    };
    readonly answer: {
      /** A random password, which is not shown again; null if one was given. */
      readonly password: string | null;
    };
    readonly streams: false;
    readonly code: 'rights-exceeded';
  };
  /** Remove the second factor of a user. For a user that has lost it and its recovery codes. Its sessions end. */
  readonly 'users.resetTotp': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'rights-exceeded';
  };
  /** End the wait of a user after failed logins. */
  readonly 'users.unblock': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'rights-exceeded';
  };
}

export const USERS: Readonly<Record<keyof UsersOperations, OperationFacts>> = {
  'users.list': { method: 'GET', path: '/users', streams: null },
  'users.create': { method: 'POST', path: '/users', streams: null },
  'users.get': { method: 'GET', path: '/users/{user}', streams: null },
  'users.update': { method: 'PATCH', path: '/users/{user}', streams: null },
  'users.delete': { method: 'DELETE', path: '/users/{user}', streams: null },
  'users.setPassword': { method: 'PUT', path: '/users/{user}/password', streams: null },
  'users.resetTotp': { method: 'DELETE', path: '/users/{user}/totp', streams: null },
  'users.unblock': { method: 'DELETE', path: '/users/{user}/block', streams: null },
};
