// The operations of traffic. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface TrafficOperations {
  /** List keys of rate limits and quotas, with what is left and when it is reset. */
  readonly 'limits.list': {
    readonly input: {
      readonly query?: {
        readonly limit?: string;
        /** The most entries of the answer, 100 by default. */
        readonly top?: number;
      };
    };
    readonly answer: {
      readonly keys: readonly (Readonly<Record<string, unknown>>)[];
      readonly more: number;
      readonly missing: readonly {
        readonly proxy: string;
        readonly scope: string;
        readonly outcome: string;
        readonly reason: string;
      }[];
      readonly lease: string;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Reset one key of a limit, or all of them. */
  readonly 'limits.reset': {
    readonly input: {
      readonly body: {
        readonly limit: string;
        readonly key?: string;
        readonly all?: true;
      };
    };
    readonly answer: {
      readonly keys: number;
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
  /** List sources that operators and threat detection block. */
  readonly 'blocks.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly blocks: readonly {
        readonly source: string;
        readonly by: string;
        readonly policy: string;
        readonly reason: string;
        readonly score: number | null;
        readonly expires: string | null;
        readonly origin: string;
      }[];
      readonly notes: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Block all requests of a source at all proxies. */
  readonly 'blocks.put': {
    readonly input: {
      readonly body: {
        /** ADDRESS, PREFIX, principal:ID or consumer:NAMESPACE/NAME. */
        readonly source: string;
        readonly reason?: string;
        readonly ttl?: string;
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
  /** End the block of a source. */
  readonly 'blocks.delete': {
    readonly input: {
      readonly query: {
        /** ADDRESS, PREFIX, principal:ID or consumer:NAMESPACE/NAME. */
        readonly source: string;
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
  /** List stored answers, the largest first. */
  readonly 'cache.list': {
    readonly input: {
      readonly query?: {
        readonly url?: string;
        readonly prefix?: string;
        readonly tag?: string;
        readonly route?: string;
        /** The most entries of the answer, 100 by default. */
        readonly top?: number;
      };
    };
    readonly answer: {
      readonly answers: readonly {
        readonly proxy: string;
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
  /** Drop stored answers by URL, prefix or tag, or all. */
  readonly 'cache.purge': {
    readonly input: {
      readonly body: {
        readonly url?: string;
        readonly prefix?: string;
        readonly tag?: string;
        readonly all?: true;
      };
    };
    readonly answer: {
      readonly answers: number;
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
  /** Have proxies request URLs, so that clients find the answers in the cache. */
  readonly 'cache.warm': {
    readonly input: {
      readonly body: {
        readonly urls: readonly string[];
        readonly headers?: readonly {
          readonly name: string;
          readonly value: string;
        }[];
        readonly port?: number;
        readonly concurrency?: number;
        readonly rate?: number;
      };
    };
    readonly answer: {
      readonly urls: readonly {
        readonly url: string;
        readonly outcome: string;
        readonly status: number;
        readonly reason: string;
        readonly proxy: string;
      }[];
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
  /** List open WebSockets, tunnels and streams of events, the oldest first. */
  readonly 'connections.list': {
    readonly input: {
      readonly query?: {
        readonly id?: string;
        readonly route?: string;
        readonly principal?: string;
        readonly source?: string;
        readonly kind?: 'websocket' | 'tunnel' | 'events' | 'hub-websocket' | 'hub-events';
        /** The most entries of the answer, 100 by default. */
        readonly top?: number;
      };
    };
    readonly answer: {
      readonly connections: readonly {
        readonly proxy: string;
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
  /** Close open connections, by filter or all. */
  readonly 'connections.close': {
    readonly input: {
      readonly body: {
        readonly id?: string;
        readonly route?: string;
        readonly principal?: string;
        readonly source?: string;
        readonly kind?: 'websocket' | 'tunnel' | 'events' | 'hub-websocket' | 'hub-events';
        readonly all?: true;
        readonly code?: number;
        readonly reason?: string;
      };
    };
    readonly answer: {
      readonly connections: number;
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
  /** List plugins with their version, where they run, their calls and failures. */
  readonly 'plugins.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly plugins: readonly {
        readonly proxy: string;
        readonly policy: string;
        readonly plugin: string;
        readonly language: string;
        readonly version: string;
        readonly place: string;
        readonly reason: string;
        readonly workers: number;
        readonly calls: number;
        readonly failures: number;
        readonly crashes: number;
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
  /** List hubs of topics. */
  readonly 'hubs.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly hubs: readonly {
        readonly hub: string;
        readonly store: string;
        readonly messages: number;
        readonly ageMs: number;
        readonly maxMessageSize: number;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Publish a message to all subscribers of a topic. The rules of the hub about publications are for its clients, and do not hold here. The audit log has the message. */
  readonly 'hubs.publish': {
    readonly input: {
      readonly body: {
        /** NAMESPACE/NAME of the hub. */
        readonly hub: string;
        readonly topic: string;
        /** Any JSON. */
        readonly data: unknown;
      };
    };
    readonly answer: {
      readonly messages: readonly {
        readonly proxy: string;
        readonly id: string;
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

export const TRAFFIC: Readonly<Record<keyof TrafficOperations, OperationFacts>> = {
  'limits.list': { method: 'GET', path: '/limits', streams: null },
  'limits.reset': { method: 'POST', path: '/limits/reset', streams: null },
  'blocks.list': { method: 'GET', path: '/blocks', streams: null },
  'blocks.put': { method: 'PUT', path: '/blocks', streams: null },
  'blocks.delete': { method: 'DELETE', path: '/blocks', streams: null },
  'cache.list': { method: 'GET', path: '/cache', streams: null },
  'cache.purge': { method: 'POST', path: '/cache/purge', streams: null },
  'cache.warm': { method: 'POST', path: '/cache/warm', streams: null },
  'connections.list': { method: 'GET', path: '/connections', streams: null },
  'connections.close': { method: 'POST', path: '/connections/close', streams: null },
  'plugins.list': { method: 'GET', path: '/plugins', streams: null },
  'hubs.list': { method: 'GET', path: '/hubs', streams: null },
  'hubs.publish': { method: 'POST', path: '/hubs/publish', streams: null },
};
