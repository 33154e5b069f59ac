// The operations of fleet. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface FleetOperations {
  /** Tell the status of the fleet, with its problems. */
  readonly 'fleet.status': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly version: string;
      /** The time of the status, ISO 8601. */
      readonly at: string;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
      readonly problems: readonly {
        readonly severity: string;
        readonly object: string;
        readonly message: string;
      }[];
      readonly proxies: readonly {
        readonly node: string;
        readonly scope: string;
        readonly version: string;
        readonly address: string;
        readonly state: string;
        readonly revision: string;
        readonly reportAgeMs: number | null;
        readonly memory: number;
        readonly lagMs: number;
        readonly connections: number;
        readonly requests: number;
        readonly workers: number;
        readonly uptimeMs: number;
        readonly draining: boolean;
      }[];
      readonly listeners: readonly {
        readonly listener: string;
        readonly protocol: string;
        readonly port: number;
        readonly hostname: string;
        readonly unserved: string;
      }[];
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
        readonly breaker: string;
        readonly endpoints: readonly {
          readonly endpoint: string;
          readonly state: string;
          readonly requestsPerSecond: number;
          readonly failuresPerSecond: number;
          readonly inFlight: number;
          readonly connections: number;
          readonly reasons: readonly {
            readonly reason: string;
            readonly count: number;
          }[];
        }[];
      }[];
      readonly overrides: readonly {
        readonly kind: string;
        readonly backend: string;
        readonly endpoint: string;
        readonly state: string;
        readonly at: number;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List proxies with version, state, age of their configuration and load. */
  readonly 'proxies.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** The time of the status, ISO 8601. */
      readonly at: string;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
      readonly proxies: readonly {
        readonly node: string;
        readonly scope: string;
        readonly version: string;
        readonly address: string;
        readonly state: string;
        readonly revision: string;
        readonly reportAgeMs: number | null;
        readonly memory: number;
        readonly lagMs: number;
        readonly connections: number;
        readonly requests: number;
        readonly workers: number;
        readonly uptimeMs: number;
        readonly draining: boolean;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Tell the state of one proxy. */
  readonly 'proxies.get': {
    readonly input: {
      readonly params: {
        readonly proxy: string;
      };
    };
    readonly answer: {
      readonly node: string;
      readonly scope: string;
      readonly version: string;
      readonly address: string;
      readonly state: string;
      readonly revision: string;
      readonly reportAgeMs: number | null;
      readonly memory: number;
      readonly lagMs: number;
      readonly connections: number;
      readonly requests: number;
      readonly workers: number;
      readonly uptimeMs: number;
      readonly draining: boolean;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Let named proxies finish their requests, and take no new connections. */
  readonly 'proxies.drain': {
    readonly input: {
      readonly body: {
        readonly proxies: readonly string[];
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
  /** List problems of the fleet, the worst first. */
  readonly 'problems.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** The time of the status, ISO 8601. */
      readonly at: string;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
      readonly problems: readonly {
        readonly severity: string;
        readonly object: string;
        readonly message: string;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List listeners, and why one is not served. */
  readonly 'listeners.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** The time of the status, ISO 8601. */
      readonly at: string;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
      readonly listeners: readonly {
        readonly listener: string;
        readonly protocol: string;
        readonly port: number;
        readonly hostname: string;
        readonly unserved: string;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List routes with rates and durations of about the last minute. */
  readonly 'routes.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** The time of the status, ISO 8601. */
      readonly at: string;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
      readonly routes: readonly {
        readonly route: string;
        readonly requestsPerSecond: number;
        readonly failuresPerSecond: number;
        readonly p50Ms: number | null;
        readonly p99Ms: number | null;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List backends with their endpoints, health and breakers. */
  readonly 'backends.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** The time of the status, ISO 8601. */
      readonly at: string;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
      readonly backends: readonly {
        readonly backend: string;
        readonly requestsPerSecond: number;
        readonly failuresPerSecond: number;
        readonly p50Ms: number | null;
        readonly p99Ms: number | null;
        readonly breaker: string;
        readonly endpoints: readonly {
          readonly endpoint: string;
          readonly state: string;
          readonly requestsPerSecond: number;
          readonly failuresPerSecond: number;
          readonly inFlight: number;
          readonly connections: number;
          readonly reasons: readonly {
            readonly reason: string;
            readonly count: number;
          }[];
        }[];
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List overrides of endpoints and breakers by operators. */
  readonly 'overrides.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** The time of the status, ISO 8601. */
      readonly at: string;
      /** Controllers that did not answer: the answer lacks their proxies. */
      readonly missing: readonly string[];
      readonly overrides: readonly {
        readonly kind: string;
        readonly backend: string;
        readonly endpoint: string;
        readonly state: string;
        readonly at: number;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Take an endpoint out, bring it in, or leave it to health checks. */
  readonly 'overrides.endpoint': {
    readonly input: {
      readonly body: {
        readonly endpoint: string;
        readonly state: 'out' | 'in' | 'auto';
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
  /** Open or close the circuit breaker of a backend, or leave it to its policy. */
  readonly 'overrides.breaker': {
    readonly input: {
      readonly body: {
        readonly backend: string;
        readonly state: 'open' | 'close' | 'auto';
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
  /** List endpoints that are registered by hand. */
  readonly 'registered-endpoints.list': {
    readonly input: {
      readonly query?: {
        /** NAMESPACE/NAME of a Backend. */
        readonly backend?: string;
      };
    };
    readonly answer: {
      readonly endpoints: readonly {
        readonly backend: string;
        readonly address: string;
        readonly port: number;
        readonly weight: number;
        readonly priority: number;
        readonly ttl: string | null;
        readonly expires: string | null;
      }[];
      readonly trouble: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Register endpoints of a Backend, or renew them. */
  readonly 'registered-endpoints.put': {
    readonly input: {
      readonly body: {
        /** NAMESPACE/NAME of a Backend. */
        readonly backend: string;
        readonly endpoints: readonly {
          readonly address: string;
          readonly port: number;
          readonly weight?: number;
          readonly priority?: number;
          readonly zone?: string;
          readonly labels?: Readonly<Record<string, string>>;
          readonly ttl?: string;
        }[];
      };
    };
    readonly answer: {
      readonly added: readonly {
        readonly address: string;
        readonly port: number;
      }[];
      readonly renewed: readonly {
        readonly address: string;
        readonly port: number;
      }[];
      readonly notes: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Remove registered endpoints of a Backend, some or all. */
  readonly 'registered-endpoints.remove': {
    readonly input: {
      readonly body: {
        /** NAMESPACE/NAME of a Backend. */
        readonly backend: string;
        readonly endpoints?: readonly {
          readonly address: string;
          readonly port: number;
        }[];
        readonly all?: true;
      };
    };
    readonly answer: {
      readonly removed: readonly {
        readonly address: string;
        readonly port: number;
      }[];
      readonly absent: readonly {
        readonly address: string;
        readonly port: number;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List lookups of endpoints outside Kubernetes, with their troubles. */
  readonly 'lookups.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: readonly {
      readonly owner: string;
      readonly source: string;
      readonly failures: number;
    }[];
    readonly streams: false;
    readonly code: never;
  };
  /** List methods of gRPC services with calls, failures and durations. */
  readonly 'grpc-methods.list': {
    readonly input: {
      readonly query?: {
        readonly backend?: string;
      };
    };
    readonly answer: {
      readonly methods: readonly {
        readonly service: string;
        readonly method: string;
        readonly calls: number;
        readonly failures: number;
        readonly p50Ms: number | null;
        readonly p99Ms: number | null;
      }[];
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
}

export const FLEET: Readonly<Record<keyof FleetOperations, OperationFacts>> = {
  'fleet.status': { method: 'GET', path: '/status', streams: null },
  'proxies.list': { method: 'GET', path: '/proxies', streams: null },
  'proxies.get': { method: 'GET', path: '/proxies/{proxy}', streams: null },
  'proxies.drain': { method: 'POST', path: '/proxies/drain', streams: null },
  'problems.list': { method: 'GET', path: '/problems', streams: null },
  'listeners.list': { method: 'GET', path: '/listeners', streams: null },
  'routes.list': { method: 'GET', path: '/routes', streams: null },
  'backends.list': { method: 'GET', path: '/backends', streams: null },
  'overrides.list': { method: 'GET', path: '/overrides', streams: null },
  'overrides.endpoint': { method: 'PUT', path: '/overrides/endpoint', streams: null },
  'overrides.breaker': { method: 'PUT', path: '/overrides/breaker', streams: null },
  'registered-endpoints.list': { method: 'GET', path: '/registered-endpoints', streams: null },
  'registered-endpoints.put': { method: 'PUT', path: '/registered-endpoints', streams: null },
  'registered-endpoints.remove': { method: 'POST', path: '/registered-endpoints/removal', streams: null },
  'lookups.list': { method: 'GET', path: '/lookups', streams: null },
  'grpc-methods.list': { method: 'GET', path: '/grpc-methods', streams: null },
};
