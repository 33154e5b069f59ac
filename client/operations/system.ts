// The operations of system. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface SystemOperations {
  /** List the controllers, and why one is not connected. */
  readonly 'controllers.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly controllers: readonly {
        readonly address: string;
        readonly connected: boolean;
        readonly since: string;
        readonly lastError: string;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List compiled resources as proxies get them, without secrets. */
  readonly 'resources.list': {
    readonly input: {
      readonly query?: {
        readonly kind?: string;
        readonly prefix?: string;
      };
    };
    readonly answer: readonly {
      readonly kind: string;
      readonly key: string;
      readonly version: string;
    }[];
    readonly streams: false;
    readonly code: never;
  };
  /** List the streams by which proxies get their configuration, with refused resources. */
  readonly 'push-sessions.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: readonly {
      readonly nodeId: string;
      readonly scope: string;
      readonly phase: string;
    }[];
    readonly streams: false;
    readonly code: never;
  };
  /** List statuses of Gateways, routes and policies. */
  readonly 'statuses.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: readonly {
      readonly object: string;
      readonly status: Readonly<Record<string, unknown>>;
    }[];
    readonly streams: false;
    readonly code: never;
  };
  /** Set the level of the log of proxies, or of one component. */
  readonly 'proxies.log-level': {
    readonly input: {
      readonly body: {
        readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
        readonly component?: string;
        readonly proxies?: readonly string[];
      };
    };
    readonly answer: {
      readonly proxies: readonly {
        readonly proxy: string;
        readonly scope: string;
        readonly outcome: string;
        readonly reason: string;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Take a CPU profile of a worker of a proxy, at most a minute. */
  readonly 'proxies.profile': {
    readonly input: {
      readonly params: {
        readonly proxy: string;
      };
      readonly body: {
        readonly worker?: string;
        readonly duration?: string;
      };
    };
    readonly answer: Readonly<Record<string, unknown>>;
    readonly streams: false;
    readonly code: never;
  };
  /** Take a heap snapshot of a worker of a proxy. The file contains the secrets of requests under way. It is for developers; keep it as you keep keys. */
  readonly 'proxies.heap-snapshot': {
    readonly input: {
      readonly params: {
        readonly proxy: string;
      };
      readonly body: {
        readonly worker?: string;
      };
    };
    readonly answer: Readonly<Record<string, unknown>>;
    readonly streams: false;
    readonly code: never;
  };
  /** Take a CPU profile of the controller that answers, at most a minute. */
  readonly 'controllers.profile': {
    readonly input: {
      readonly body: {
        readonly duration?: string;
      };
    };
    readonly answer: Readonly<Record<string, unknown>>;
    readonly streams: false;
    readonly code: never;
  };
  /** Take a heap snapshot of the controller that answers. The file contains the secrets of requests under way. It is for developers; keep it as you keep keys. */
  readonly 'controllers.heap-snapshot': {
    readonly input: {
      readonly body: Readonly<Record<string, never>>;
    };
    readonly answer: Readonly<Record<string, unknown>>;
    readonly streams: false;
    readonly code: never;
  };
}

export const SYSTEM: Readonly<Record<keyof SystemOperations, OperationFacts>> = {
  'controllers.list': { method: 'GET', path: '/controllers', streams: null },
  'resources.list': { method: 'GET', path: '/resources', streams: null },
  'push-sessions.list': { method: 'GET', path: '/push-sessions', streams: null },
  'statuses.list': { method: 'GET', path: '/statuses', streams: null },
  'proxies.log-level': { method: 'PUT', path: '/proxies/log-level', streams: null },
  'proxies.profile': { method: 'POST', path: '/proxies/{proxy}/profile', streams: null },
  'proxies.heap-snapshot': { method: 'POST', path: '/proxies/{proxy}/heap-snapshot', streams: null },
  'controllers.profile': { method: 'POST', path: '/controllers/profile', streams: null },
  'controllers.heap-snapshot': { method: 'POST', path: '/controllers/heap-snapshot', streams: null },
};
