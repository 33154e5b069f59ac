// The operations of account. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface AccountOperations {
  /** Log in. Begins a session in a cookie. A user with a second factor sends its code, too. A session of before ends. */
  readonly 'account.login': {
    readonly input: {
      readonly body: {
        /** The name of the user. */
        readonly user: string;
        /** A password. */
        readonly password: string;
        /** A code of the app, or a recovery code. */
        readonly code?: string;
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
      readonly session: {
        /** Its id. */
        readonly id: string;
        /** The name of its user. */
        readonly user: string;
        /** How the user has logged in. */
        readonly method: 'password' | 'totp' | 'recovery-code' | 'oidc';
        /** The address of the login. */
        readonly address: string;
        /** The program of the login. */
        readonly userAgent: string;
        /** A time by RFC 3339. */
        readonly created: string;
        /** The time of the last request, to a minute. */
        readonly lastUsed: string;
        /** Whether it is the session of this request. */
        readonly current: boolean;
      };
      /** To send in the header Weir-CSRF-Token with each change. */
      readonly csrfToken: string;
    };
    readonly streams: false;
    readonly code: 'login-refused' | 'second-factor-needed' | 'login-throttled' | 'login-busy' | 'store-away' | 'key-away' | 'key-wrong';
  };
  /** Log out. Ends the session of the caller. A token has none: revoke it. */
  readonly 'account.logout': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'session-needed';
  };
  /** Tell the name and the permissions of the caller. */
  readonly 'account.get': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly kind: 'user' | 'token' | 'serviceAccount';
      /** The name of the caller. */
      readonly name: string;
      /** The id of its session; null: a token. */
      readonly session: string | null;
      /** The permissions that it has in all namespaces. */
      readonly everywhere: readonly string[];
      /** The permissions that it has in some namespaces only. */
      readonly somewhere: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Read the token for changes. For a page of this server that did not see the answer of the login. Other sites cannot read it. */
  readonly 'account.readCsrfToken': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** To send in the header Weir-CSRF-Token with each change. */
      readonly csrfToken: string;
    };
    readonly streams: false;
    readonly code: 'session-needed';
  };
  /** Change the own password. The other sessions of the user end, and its session gets another secret. */
  readonly 'account.changePassword': {
    readonly input: {
      readonly body: {
        /** A password. */
        readonly current: string;
        /** A password. */
        readonly password: string;
      };
    };
    readonly answer: {
      /** To send in the header Weir-CSRF-Token with each change. */
      readonly csrfToken: string;
    };
    readonly streams: false;
    readonly code: 'session-needed' | 'password-wrong';
  };
  /** Make the secret of a second factor. It has no effect before a code confirms it. A second factor that is on stays until then. */
  readonly 'account.beginTotp': {
    readonly input: {
      readonly body: {
        /** A password. */
        readonly password: string;
      };
    };
    readonly answer: {
      readonly secret: string;
      /** For a QR code. */
      readonly uri: string;
    };
    readonly streams: false;
    readonly code: 'session-needed' | 'password-wrong' | 'key-missing' | 'key-away';
  };
  /** Turn the second factor on. The other sessions of the user end. */
  readonly 'account.confirmTotp': {
    readonly input: {
      readonly body: {
        /** A code of the app, or a recovery code. */
        readonly code: string;
      };
    };
    readonly answer: {
      /** To send in the header Weir-CSRF-Token with each change. */
      readonly csrfToken: string;
      /** Each replaces a code of the app once. They are not shown again. */
      readonly recoveryCodes: readonly string[];
    };
    readonly streams: false;
    readonly code: 'session-needed' | 'totp-not-begun' | 'key-missing' | 'code-wrong' | 'key-away' | 'key-wrong';
  };
  /** Turn the second factor off. */
  readonly 'account.removeTotp': {
    readonly input: {
      readonly body: {
        /** A password. */
        readonly password: string;
      };
    };
    readonly answer: {
      /** To send in the header Weir-CSRF-Token with each change. */
      readonly csrfToken: string;
    };
    readonly streams: false;
    readonly code: 'session-needed' | 'password-wrong';
  };
  /** Replace the recovery codes. */
  readonly 'account.renewRecoveryCodes': {
    readonly input: {
      readonly body: {
        /** A password. */
        readonly password: string;
      };
    };
    readonly answer: {
      /** Each replaces a code of the app once. They are not shown again. */
      readonly recoveryCodes: readonly string[];
    };
    readonly streams: false;
    readonly code: 'session-needed' | 'password-wrong' | 'totp-off';
  };
  /** List the own sessions. */
  readonly 'account.listSessions': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly items: readonly {
        /** Its id. */
        readonly id: string;
        /** The name of its user. */
        readonly user: string;
        /** How the user has logged in. */
        readonly method: 'password' | 'totp' | 'recovery-code' | 'oidc';
        /** The address of the login. */
        readonly address: string;
        /** The program of the login. */
        readonly userAgent: string;
        /** A time by RFC 3339. */
        readonly created: string;
        /** The time of the last request, to a minute. */
        readonly lastUsed: string;
        /** Whether it is the session of this request. */
        readonly current: boolean;
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: 'session-needed';
  };
  /** End the other own sessions. */
  readonly 'account.endOtherSessions': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** The number of sessions that have ended. */
      readonly ended: number;
    };
    readonly streams: false;
    readonly code: 'session-needed';
  };
  /** End an own session. */
  readonly 'account.endSession': {
    readonly input: {
      readonly params: {
        /** Its id. */
        readonly session: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'session-needed';
  };
  /** List the own API tokens. */
  readonly 'account.listTokens': {
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
    readonly code: 'session-needed';
  };
  /** Make an own API token. It has the rights of the user, within the permissions and namespaces that are given. */
  readonly 'account.createToken': {
    readonly input: {
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
    readonly code: 'session-needed' | 'too-many-tokens';
  };
  /** Revoke an own API token. */
  readonly 'account.revokeToken': {
    readonly input: {
      readonly params: {
        /** Its id. */
        readonly token: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'session-needed';
  };
}

export const ACCOUNT: Readonly<Record<keyof AccountOperations, OperationFacts>> = {
  'account.login': { method: 'POST', path: '/login', streams: null },
  'account.logout': { method: 'POST', path: '/logout', streams: null },
  'account.get': { method: 'GET', path: '/me', streams: null },
  'account.readCsrfToken': { method: 'GET', path: '/me/csrf-token', streams: null },
  'account.changePassword': { method: 'PUT', path: '/me/password', streams: null },
  'account.beginTotp': { method: 'POST', path: '/me/totp', streams: null },
  'account.confirmTotp': { method: 'POST', path: '/me/totp/confirmation', streams: null },
  'account.removeTotp': { method: 'POST', path: '/me/totp/removal', streams: null },
  'account.renewRecoveryCodes': { method: 'POST', path: '/me/recovery-codes', streams: null },
  'account.listSessions': { method: 'GET', path: '/me/sessions', streams: null },
  'account.endOtherSessions': { method: 'DELETE', path: '/me/sessions', streams: null },
  'account.endSession': { method: 'DELETE', path: '/me/sessions/{session}', streams: null },
  'account.listTokens': { method: 'GET', path: '/me/tokens', streams: null },
  'account.createToken': { method: 'POST', path: '/me/tokens', streams: null },
  'account.revokeToken': { method: 'DELETE', path: '/me/tokens/{token}', streams: null },
};
