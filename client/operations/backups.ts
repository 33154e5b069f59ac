// The operations of backups. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface BackupsOperations {
  /** Make a backup. A tar archive under gzip, with a checksum for each member. It has no data of Secrets, but hashes of passwords and tokens: keep it like the store. A backup that is cut off has no manifest, and is refused by a check. */
  readonly 'backups.create': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: string;
    readonly streams: true;
    readonly code: 'store-away';
  };
  /** Check an archive, and tell what it has. */
  readonly 'backups.check': {
    readonly input: {
      readonly upload: Uint8Array;
    };
    readonly answer: {
      /** The SHA-256 of the archive. */
      readonly sha256: string;
      /** When it was made. */
      readonly created: string;
      /** The release of Weir that has made it. */
      readonly release: string;
      /** Configuration objects; without Secrets. */
      readonly objects: number;
      /** Secrets, whose data is not in the archive. */
      readonly secrets: readonly string[];
      /** Rows by table. */
      readonly rows: Readonly<Record<string, number>>;
    };
    readonly streams: false;
    readonly code: 'archive-invalid';
  };
  /** Restore an archive. Checks all of it first. The store is replaced as a whole, and all sessions end; then the objects are made as in the archive. If-Match has the ETag of the dry run; * is any state. */
  readonly 'backups.restore': {
    readonly input: {
      readonly query?: {
        /** Tell only what it would do. */
        readonly dryRun?: boolean;
        /** What to restore; all by default. */
        readonly parts?: 'all' | 'configuration' | 'store';
        /** Delete objects that the archive does not have. */
        readonly prune?: boolean;
        /** Leave objects that cannot be restored as they are. */
        readonly skipRefused?: boolean;
      };
      readonly upload: Uint8Array;
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: {
      readonly archive: {
        /** The SHA-256 of the archive. */
        readonly sha256: string;
        /** When it was made. */
        readonly created: string;
        /** The release of Weir that has made it. */
        readonly release: string;
        /** Configuration objects; without Secrets. */
        readonly objects: number;
        /** Secrets, whose data is not in the archive. */
        readonly secrets: readonly string[];
        /** Rows by table. */
        readonly rows: Readonly<Record<string, number>>;
      };
      /** kept: the present audit log goes on where that of the archive ends. replaced: the archive has all of its entries. appended: its entries follow those of the archive. none: the store is not restored. */
      readonly audit: 'kept' | 'replaced' | 'appended' | 'none';
      readonly configuration: {
        /** True: nothing was changed. */
        readonly dryRun: boolean;
        readonly objects: readonly {
          readonly ref: {
            readonly kind: string;
            readonly namespace: string;
            readonly name: string;
          };
          readonly change: 'created' | 'changed' | 'deleted' | 'unchanged';
          readonly fields: readonly {
            readonly path: string;
            readonly before?: unknown;
            readonly after?: unknown;
          }[];
        }[];
        /** Resources of proxies that are added, removed or changed. */
        readonly resources: readonly {
          readonly kind: 'Secret' | 'TrustBundle' | 'ObjectData' | 'SessionKeys' | 'Challenge' | 'Consumer' | 'Endpoints' | 'Cluster' | 'Policy' | 'Listener' | 'Route' | 'StreamRoute';
          readonly key: string;
          readonly origin: {
            readonly kind: string;
            readonly namespace: string;
            readonly name: string;
          };
          readonly change: 'added' | 'removed' | 'changed';
          readonly fields: readonly string[];
        }[];
        /** Listeners that change, or whose routes do. */
        readonly listeners: readonly string[];
        readonly conditions: readonly {
          readonly ref: {
            readonly kind: string;
            readonly namespace: string;
            readonly name: string;
          };
          readonly part: string;
          readonly type: string;
          readonly before: {
            readonly status: string;
            readonly reason: string;
            readonly message: string;
          } | null;
          readonly after: {
            readonly status: string;
            readonly reason: string;
            readonly message: string;
          } | null;
        }[];
        /** Problems that the changes cause. */
        readonly problems: readonly {
          readonly severity: 'error' | 'warning' | 'info';
          readonly file: string;
          readonly line: number;
          readonly object: string;
          readonly field: string;
          readonly reason: string;
        }[];
        /** Problems that the changes solve. */
        readonly solved: readonly {
          readonly severity: 'error' | 'warning' | 'info';
          readonly file: string;
          readonly line: number;
          readonly object: string;
          readonly field: string;
          readonly reason: string;
        }[];
        /** Objects that stay as they are, and why. */
        readonly refused: readonly {
          readonly ref: {
            readonly kind: string;
            readonly namespace: string;
            readonly name: string;
          };
          /** The code of the refusal. */
          readonly code: string;
          /** Why, and what to do. */
          readonly detail: string;
        }[];
      };
    };
    readonly streams: false;
    readonly code: 'audit-log-foreign' | 'restore-refused' | 'restore-incomplete' | 'archive-invalid' | 'archive-inapplicable' | 'store-away' | 'cluster-away' | 'compiler-busy' | 'compiler-ended';
  };
}

export const BACKUPS: Readonly<Record<keyof BackupsOperations, OperationFacts>> = {
  'backups.create': { method: 'POST', path: '/backups', streams: 'application/gzip' },
  'backups.check': { method: 'POST', path: '/backups/check', streams: null, uploads: 'application/gzip' },
  'backups.restore': { method: 'POST', path: '/backups/restore', streams: null, uploads: 'application/gzip' },
};
