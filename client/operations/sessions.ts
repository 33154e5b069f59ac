// The operations of sessions. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface SessionsOperations {
  /** List the newest 1000 sessions of all users. */
  readonly 'sessions.list': {
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
    readonly code: never;
  };
  /** List the sessions of a user. */
  readonly 'users.listSessions': {
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
    readonly code: never;
  };
  /** End all sessions of a user. */
  readonly 'users.endSessions': {
    readonly input: {
      readonly params: {
        /** The name to log in with. */
        readonly user: string;
      };
    };
    readonly answer: {
      /** The number of sessions that have ended. */
      readonly ended: number;
    };
    readonly streams: false;
    readonly code: 'rights-exceeded';
  };
  /** End a session. */
  readonly 'sessions.end': {
    readonly input: {
      readonly params: {
        /** Its id. */
        readonly session: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'rights-exceeded';
  };
}

export const SESSIONS: Readonly<Record<keyof SessionsOperations, OperationFacts>> = {
  'sessions.list': { method: 'GET', path: '/sessions', streams: null },
  'users.listSessions': { method: 'GET', path: '/users/{user}/sessions', streams: null },
  'users.endSessions': { method: 'DELETE', path: '/users/{user}/sessions', streams: null },
  'sessions.end': { method: 'DELETE', path: '/sessions/{session}', streams: null },
};
