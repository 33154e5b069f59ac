// The operations of audit. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface AuditOperations {
  /** List entries of the audit log, the newest first. A page with a filter may have fewer entries than its limit, or none, and still have next: the search has looked at many entries. */
  readonly 'audit.list': {
    readonly input: {
      readonly query?: {
        /** The largest number of items. */
        readonly limit?: number;
        /** The member next of the page before. */
        readonly cursor?: string;
        /** The name of the author. */
        readonly actor?: string;
        /** The id of the author. */
        readonly actorId?: string;
        /** The id of the operation: users.update. */
        readonly operation?: string;
        /** A changed object, or a group of them: HTTPRoute/shop/cart, HTTPRoute/shop, user. */
        readonly object?: string;
        /** The namespace in which the caller needed the permission. */
        readonly namespace?: string;
        readonly outcome?: 'success' | 'refused' | 'failed';
        /** The id of the request. */
        readonly requestId?: string;
        /** Stored at this time or later, RFC 3339. */
        readonly since?: string;
        /** Stored before this time, RFC 3339. */
        readonly until?: string;
      };
    };
    readonly answer: {
      readonly items: readonly {
        /** Its number in the log. */
        readonly sequence: number;
        /** A UUID. */
        readonly id: string;
        /** When the operation ended, by the clock of the admin program. */
        readonly time: string;
        /** When the entry was stored, by the clock of the store. */
        readonly stored: string;
        /** The id of the request. */
        readonly requestId: string;
        /** The id of the operation. */
        readonly operation: string;
        /** The path of the request, without the query. */
        readonly path: string;
        readonly actor: {
          /** system: Weir itself. */
          readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous' | 'system';
          /** Its id. */
          readonly id: string;
          /** Its name. */
          readonly name: string;
          /** The id of the session; null: none. */
          readonly session: string | null;
        };
        /** The IP address of the caller. */
        readonly address: string;
        /** The program of the caller. */
        readonly userAgent: string;
        /** Why, in the words of the caller. */
        readonly reason: string;
        /** Where the caller needed the permission; null: everywhere, or nowhere. */
        readonly namespace: string | null;
        readonly outcome: 'success' | 'refused' | 'failed';
        /** The status of the answer. */
        readonly status: number;
        /** The code of the problem. */
        readonly code: string;
        /** The changed objects. */
        readonly objects: readonly string[];
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: 'invalid-fields' | 'store-away';
  };
  /** Read an entry of the audit log, with its changes. */
  readonly 'audit.get': {
    readonly input: {
      readonly params: {
        /** Its number. */
        readonly sequence: number;
      };
    };
    readonly answer: {
      /** Its number in the log. */
      readonly sequence: number;
      /** A UUID. */
      readonly id: string;
      /** When the operation ended, by the clock of the admin program. */
      readonly time: string;
      /** When the entry was stored, by the clock of the store. */
      readonly stored: string;
      /** The id of the request. */
      readonly requestId: string;
      /** The id of the operation. */
      readonly operation: string;
      /** The path of the request, without the query. */
      readonly path: string;
      readonly actor: {
        /** system: Weir itself. */
        readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous' | 'system';
        /** Its id. */
        readonly id: string;
        /** Its name. */
        readonly name: string;
        /** The id of the session; null: none. */
        readonly session: string | null;
      };
      /** The IP address of the caller. */
      readonly address: string;
      /** The program of the caller. */
      readonly userAgent: string;
      /** Why, in the words of the caller. */
      readonly reason: string;
      /** Where the caller needed the permission; null: everywhere, or nowhere. */
      readonly namespace: string | null;
      readonly outcome: 'success' | 'refused' | 'failed';
      /** The status of the answer. */
      readonly status: number;
      /** The code of the problem. */
      readonly code: string;
      readonly changes: readonly {
        /** Its kind and name. */
        readonly object: string;
        /** Without secrets; null: it did not exist. */
        readonly before: unknown;
        /** Without secrets; null: it does not exist any more. */
        readonly after: unknown;
      }[];
      /** The hash of the entry before. */
      readonly previous: string;
      /** The hash of this entry. */
      readonly hash: string;
    };
    readonly streams: false;
    readonly code: 'audit-entry-unknown' | 'store-away';
  };
  /** Hold the audit log to its chain of hashes. Reads the whole log, about a minute for a million entries. One check runs at a time, and ends when its caller leaves. */
  readonly 'audit.verify': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      /** The number of entries before a break. */
      readonly entries: number;
      /** The first entry. */
      readonly first: number | null;
      readonly last: {
        readonly sequence: number;
        /** Its SHA-256. */
        readonly hash: string;
      };
      /** The last entry that retention has removed. */
      readonly removed: number | null;
      readonly broken: {
        readonly sequence: number;
        readonly kind: 'changed' | 'missing' | 'misplaced';
        /** A sentence. */
        readonly reason: string;
      } | null;
    };
    readonly streams: false;
    readonly code: 'audit-check-running' | 'store-away';
  };
  /** Export the audit log as lines of canonical JSON. Without a filter, weir audit verify can verify it. */
  readonly 'audit.export': {
    readonly input: {
      readonly query?: {
        /** The name of the author. */
        readonly actor?: string;
        /** The id of the author. */
        readonly actorId?: string;
        /** The id of the operation: users.update. */
        readonly operation?: string;
        /** A changed object, or a group of them: HTTPRoute/shop/cart, HTTPRoute/shop, user. */
        readonly object?: string;
        /** The namespace in which the caller needed the permission. */
        readonly namespace?: string;
        readonly outcome?: 'success' | 'refused' | 'failed';
        /** The id of the request. */
        readonly requestId?: string;
        /** Stored at this time or later, RFC 3339. */
        readonly since?: string;
        /** Stored before this time, RFC 3339. */
        readonly until?: string;
      };
    };
    readonly answer: string;
    readonly streams: true;
    readonly code: 'invalid-fields' | 'store-away';
  };
  /** Export the audit log as CSV for spreadsheets. */
  readonly 'audit.export-csv': {
    readonly input: {
      readonly query?: {
        /** The name of the author. */
        readonly actor?: string;
        /** The id of the author. */
        readonly actorId?: string;
        /** The id of the operation: users.update. */
        readonly operation?: string;
        /** A changed object, or a group of them: HTTPRoute/shop/cart, HTTPRoute/shop, user. */
        readonly object?: string;
        /** The namespace in which the caller needed the permission. */
        readonly namespace?: string;
        readonly outcome?: 'success' | 'refused' | 'failed';
        /** The id of the request. */
        readonly requestId?: string;
        /** Stored at this time or later, RFC 3339. */
        readonly since?: string;
        /** Stored before this time, RFC 3339. */
        readonly until?: string;
      };
    };
    readonly answer: string;
    readonly streams: true;
    readonly code: 'invalid-fields' | 'store-away';
  };
}

export const AUDIT: Readonly<Record<keyof AuditOperations, OperationFacts>> = {
  'audit.list': { method: 'GET', path: '/audit/entries', streams: null },
  'audit.get': { method: 'GET', path: '/audit/entries/{sequence}', streams: null },
  'audit.verify': { method: 'POST', path: '/audit/verify', streams: null },
  'audit.export': { method: 'GET', path: '/audit/export', streams: 'application/x-ndjson' },
  'audit.export-csv': { method: 'GET', path: '/audit/export.csv', streams: 'text/csv' },
};
