// The operations of requests. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface RequestsOperations {
  /** Follow lines of the access log as requests end. Events: line for each request, end with the state of each proxy and the number of dropped lines, or cut if the controller is lost. A reader that is too slow gets fewer lines. */
  readonly 'requests.tail': {
    readonly input: {
      readonly query?: {
        /** Rules, as --access-log-filter; absent: all lines. */
        readonly filter?: string;
        readonly duration?: string;
        readonly proxies?: readonly string[];
        readonly worker?: string;
        /** The most lines per second of a proxy. */
        readonly rate?: number;
      };
    };
    readonly answer: {
      readonly proxy: string;
      readonly line: string;
    };
    readonly streams: true;
    readonly code: never;
  };
  /** List lines that proxies keep about requests of the last hour. */
  readonly 'requests.recent': {
    readonly input: {
      readonly query?: {
        /** Rules, as --access-log-filter; absent: all lines. */
        readonly filter?: string;
        readonly since?: string;
        /** The most entries of the answer, 1000 by default. */
        readonly top?: number;
        readonly proxies?: readonly string[];
      };
    };
    readonly answer: {
      readonly lines: readonly {
        readonly at: number;
        readonly proxy: string;
        readonly line: string;
      }[];
      readonly more: number;
      readonly missing: readonly {
        readonly proxy: string;
        readonly scope: string;
        readonly outcome: string;
        readonly reason: string;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Tell all that the fleet still knows of one request or trace. */
  readonly 'requests.trace': {
    readonly input: {
      readonly query: {
        readonly id: string;
      };
    };
    readonly answer: {
      readonly lines: readonly {
        readonly at: number;
        readonly proxy: string;
        readonly line: string;
      }[];
      readonly more: number;
      readonly missing: readonly {
        readonly proxy: string;
        readonly scope: string;
        readonly outcome: string;
        readonly reason: string;
      }[];
      readonly failures: readonly {
        readonly group: string;
        readonly code: string;
        readonly route: string;
        readonly backend: string;
      }[];
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missingControllers: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List groups of failures by code, route, backend and cause. */
  readonly 'errors.list': {
    readonly input: {
      readonly query?: {
        readonly code?: string;
        readonly route?: string;
        readonly backend?: string;
        /** The most entries of the answer, 50 by default. */
        readonly top?: number;
      };
    };
    readonly answer: {
      readonly groups: readonly {
        readonly id: string;
        readonly code: string;
        readonly route: string;
        readonly backend: string;
        readonly cause: string;
        readonly count: number;
        readonly perMinute: number;
        readonly trend: string;
        readonly first: number;
        readonly last: number;
      }[];
      readonly more: number;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Tell one group of failures with its samples. */
  readonly 'errors.get': {
    readonly input: {
      readonly params: {
        readonly id: string;
      };
    };
    readonly answer: {
      readonly groups: readonly {
        readonly id: string;
        readonly code: string;
        readonly route: string;
        readonly backend: string;
        readonly cause: string;
        readonly count: number;
        readonly perMinute: number;
        readonly trend: string;
        readonly first: number;
        readonly last: number;
      }[];
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Ask for sums, rates, ratios, percentiles or a history of what proxies counted. */
  readonly 'window.query': {
    readonly input: {
      readonly body: {
        readonly function: 'sum' | 'rate' | 'ratio' | 'quantile' | 'history';
        readonly of: {
          readonly metric: string;
          readonly where?: readonly {
            readonly label: 'route' | 'class' | 'code' | 'backend' | 'endpoint';
            readonly is: 'equal' | 'unequal' | 'starts';
            readonly value: string;
          }[];
          readonly by?: readonly ('route' | 'class' | 'code' | 'backend' | 'endpoint')[];
          readonly range?: string;
          readonly offset?: string;
        };
        readonly by?: {
          readonly metric: string;
          readonly where?: readonly {
            readonly label: 'route' | 'class' | 'code' | 'backend' | 'endpoint';
            readonly is: 'equal' | 'unequal' | 'starts';
            readonly value: string;
          }[];
          readonly by?: readonly ('route' | 'class' | 'code' | 'backend' | 'endpoint')[];
          readonly range?: string;
          readonly offset?: string;
        };
        readonly share?: number;
        readonly intervals?: number;
      };
    };
    readonly answer: {
      readonly values?: readonly {
        readonly labels: Readonly<Record<string, string>>;
        readonly value: number;
      }[];
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Tell the present values of a gauge. */
  readonly 'window.gauge': {
    readonly input: {
      readonly query: {
        readonly name: string;
      };
    };
    readonly answer: {
      readonly values: readonly {
        readonly labels: Readonly<Record<string, string>>;
        readonly value: number;
      }[];
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List routes, backends and endpoints with rates, failures and percentiles. */
  readonly 'top.get': {
    readonly input: {
      readonly query?: {
        readonly range?: string;
      };
    };
    readonly answer: {
      readonly rangeMs: number;
      readonly knownMs: number;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
      readonly routes: readonly {
        readonly route: string;
        readonly requestsPerSecond: number;
        readonly failuresPerSecond: number;
        readonly p50Ms: number | null;
        readonly p99Ms: number | null;
      }[];
      readonly backends: readonly {
        readonly backend: string;
        readonly requestsPerSecond: number;
        readonly failuresPerSecond: number;
        readonly p50Ms: number | null;
        readonly p99Ms: number | null;
      }[];
      readonly endpoints: readonly {
        readonly backend: string;
        readonly endpoint: string;
        readonly requestsPerSecond: number;
        readonly failuresPerSecond: number;
        readonly p50Ms: number | null;
        readonly p99Ms: number | null;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
}

export const REQUESTS: Readonly<Record<keyof RequestsOperations, OperationFacts>> = {
  'requests.tail': { method: 'GET', path: '/requests/tail', streams: 'text/event-stream' },
  'requests.recent': { method: 'GET', path: '/requests/recent', streams: null },
  'requests.trace': { method: 'GET', path: '/requests/trace', streams: null },
  'errors.list': { method: 'GET', path: '/errors', streams: null },
  'errors.get': { method: 'GET', path: '/errors/{id}', streams: null },
  'window.query': { method: 'POST', path: '/window/query', streams: null },
  'window.gauge': { method: 'GET', path: '/window/gauge', streams: null },
  'top.get': { method: 'GET', path: '/top', streams: null },
};
