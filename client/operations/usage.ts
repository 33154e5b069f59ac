// The operations of usage. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface UsageOperations {
  /** Add up calls of the last days by operation, caller, or both. */
  readonly 'usage.calls': {
    readonly input: {
      readonly query?: {
        readonly by?: 'operation' | 'actor' | 'both';
        /** Days of UTC, with today. */
        readonly days?: number;
        /** The name of the caller. */
        readonly actor?: string;
        readonly operation?: string;
        /** The largest number of items. */
        readonly limit?: number;
      };
    };
    readonly answer: {
      /** Those with the most calls first. */
      readonly items: readonly {
        /** Null: all of the caller. */
        readonly operation: string | null;
        /** Null: all callers of the operation. */
        readonly actor: {
          readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous';
          readonly id: string;
          readonly name: string;
        } | null;
        readonly calls: number;
        /** Calls with a status from 400 on. */
        readonly failures: number;
        readonly meanMs: number;
        readonly maxMs: number;
        readonly lastUsed: string;
      }[];
    };
    readonly streams: false;
    readonly code: 'store-away';
  };
  /** List the latest slow calls of this process. Calls of 1 s or longer, up to 200, the latest first. Answers that come in parts are not among them. */
  readonly 'usage.slow': {
    readonly input: {
      readonly query?: {
        /** The largest number of items. */
        readonly limit?: number;
      };
    };
    readonly answer: {
      readonly items: readonly {
        readonly at: string;
        readonly operation: string;
        readonly status: number;
        readonly ms: number;
        readonly requestId: string;
        /** A token has its own id, and the name of its owner. */
        readonly actor: {
          readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous';
          readonly id: string;
          readonly name: string;
        };
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List unusual logins, the latest first. new-place: the first login of a user from a network within 90 days. two-places: logins from two networks within ten minutes. failure-burst: ten refused logins from a network within five minutes. */
  readonly 'usage.anomalies': {
    readonly input: {
      readonly query?: {
        /** The largest number of items. */
        readonly limit?: number;
      };
    };
    readonly answer: {
      readonly items: readonly {
        readonly id: string;
        readonly time: string;
        readonly kind: 'new-place' | 'two-places' | 'failure-burst';
        readonly address: string;
        readonly detail: string;
        /** Empty for a burst of refused logins: their names are not kept. */
        readonly user: string;
      }[];
    };
    readonly streams: false;
    readonly code: 'store-away';
  };
}

export const USAGE: Readonly<Record<keyof UsageOperations, OperationFacts>> = {
  'usage.calls': { method: 'GET', path: '/usage/calls', streams: null },
  'usage.slow': { method: 'GET', path: '/usage/slow-calls', streams: null },
  'usage.anomalies': { method: 'GET', path: '/usage/login-anomalies', streams: null },
};
