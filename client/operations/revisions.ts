// The operations of revisions. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface RevisionsOperations {
  /** List revisions, the newest first. Without a namespace the caller needs the permission in all namespaces. */
  readonly 'revisions.list': {
    readonly input: {
      readonly query?: {
        /** The largest number of items. */
        readonly limit?: number;
        /** The member next of the page before. */
        readonly cursor?: string;
        /** A kind that Weir reads, like HTTPRoute. */
        readonly kind?: string;
        /** A namespace; - for kinds without namespaces. */
        readonly namespace?: string;
        /** The name of the object. */
        readonly name?: string;
        /** The name of the author: a user, a field manager, a file. */
        readonly actor?: string;
        /** The way by which the change came. */
        readonly origin?: 'api' | 'folder' | 'kubernetes';
        /** A time, RFC 3339. */
        readonly since?: string;
        /** A time, RFC 3339. */
        readonly until?: string;
      };
    };
    readonly answer: {
      readonly items: readonly {
        /** The number of a revision. */
        readonly revision: number;
        /** When it came into force, by the clock of the store. */
        readonly at: string;
        readonly kind: string;
        /** Empty for kinds without namespaces. */
        readonly namespace: string;
        readonly name: string;
        /** The SHA-256 of the canonical JSON; null: the object was deleted. */
        readonly hash: string | null;
        /** api: a caller of this API; folder: a file that was edited; kubernetes: another client of the API server. */
        readonly origin: 'api' | 'folder' | 'kubernetes';
        /** program: a field manager of Kubernetes, or a file. */
        readonly actor: {
          readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous' | 'program';
          readonly id: string;
          readonly name: string;
        };
        /** Why, in the words of the author. */
        readonly reason: string;
        /** The id of the request, as in the audit log. */
        readonly requestId: string;
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: 'store-away';
  };
  /** Read a revision with its object. */
  readonly 'revisions.get': {
    readonly input: {
      readonly params: {
        /** The number of a revision. */
        readonly revision: number;
      };
    };
    readonly answer: {
      /** The number of a revision. */
      readonly revision: number;
      /** When it came into force, by the clock of the store. */
      readonly at: string;
      readonly kind: string;
      /** Empty for kinds without namespaces. */
      readonly namespace: string;
      readonly name: string;
      /** The SHA-256 of the canonical JSON; null: the object was deleted. */
      readonly hash: string | null;
      /** api: a caller of this API; folder: a file that was edited; kubernetes: another client of the API server. */
      readonly origin: 'api' | 'folder' | 'kubernetes';
      /** program: a field manager of Kubernetes, or a file. */
      readonly actor: {
        readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous' | 'program';
        readonly id: string;
        readonly name: string;
      };
      /** Why, in the words of the author. */
      readonly reason: string;
      /** The id of the request, as in the audit log. */
      readonly requestId: string;
      /** The whole object, without what a server sets; null: it was deleted. A Secret has the names of its entries only. */
      readonly object: Readonly<Record<string, unknown>> | null;
    };
    readonly streams: false;
    readonly code: 'revision-unknown' | 'store-away';
  };
  /** Compare a revision with another one, or with what is in force. From the revision to the other: fields, and the effects by the compiler. To see what a rollback would do, make a dry run of it. */
  readonly 'revisions.diff': {
    readonly input: {
      readonly params: {
        /** The number of a revision. */
        readonly revision: number;
      };
      readonly query?: {
        /** The other revision of the same object; by default what is in force. */
        readonly to?: number;
      };
    };
    readonly answer: {
      /** Null: what is in force. */
      readonly from: number | null;
      /** Null: what is in force. */
      readonly to: number | null;
      readonly fields: readonly {
        readonly path: string;
        readonly before?: unknown;
        readonly after?: unknown;
      }[];
      /** By the compiler, with all other objects as they are in force; null: one of the two is not possible any more. */
      readonly effects: {
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
      } | null;
    };
    readonly streams: false;
    readonly code: 'revision-unknown' | 'file-invalid' | 'revisions-of-two-objects' | 'store-away' | 'cluster-away' | 'compiler-busy' | 'compiler-ended';
  };
  /** Bring an object back to a revision. If-Match has the ETag of the object in force; * is any. A revision that is a deletion deletes the object. */
  readonly 'revisions.rollback': {
    readonly input: {
      readonly params: {
        /** The number of a revision. */
        readonly revision: number;
      };
      readonly body: {
        /** Tell only what it would do. */
        readonly dryRun?: boolean;
      };
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: {
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
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'revision-unknown' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'rollback-refused' | 'rollback-incomplete' | 'secret-not-kept' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'moment-unknown' | 'folder-unwritable' | 'cluster-away' | 'compiler-busy' | 'compiler-ended' | 'store-away';
  };
  /** Bring all objects back to a moment. To the state after a revision, or at a time: all objects of the namespaces in which the caller has the permission, or some of them. If-Match has the ETag of the dry run, or of the list of revisions: the number of the newest revision; * is any. */
  readonly 'revisions.rollbackAll': {
    readonly input: {
      readonly body: {
        /** The state after this revision. */
        readonly revision?: number;
        /** A time, RFC 3339. */
        readonly time?: string;
        /** Only objects in these; by default in all of the caller. */
        readonly namespaces?: readonly string[];
        /** Only objects of these kinds. */
        readonly kinds?: readonly string[];
        /** Tell only what it would do. */
        readonly dryRun?: boolean;
        /** Leave objects that cannot be rolled back as they are; by default nothing is changed then. */
        readonly skipRefused?: boolean;
      };
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: {
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
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'revision-unknown' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'rollback-refused' | 'rollback-incomplete' | 'secret-not-kept' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'moment-unknown' | 'folder-unwritable' | 'cluster-away' | 'compiler-busy' | 'compiler-ended' | 'store-away';
  };
}

export const REVISIONS: Readonly<Record<keyof RevisionsOperations, OperationFacts>> = {
  'revisions.list': { method: 'GET', path: '/revisions', streams: null },
  'revisions.get': { method: 'GET', path: '/revisions/{revision}', streams: null },
  'revisions.diff': { method: 'GET', path: '/revisions/{revision}/diff', streams: null },
  'revisions.rollback': { method: 'POST', path: '/revisions/{revision}/rollback', streams: null },
  'revisions.rollbackAll': { method: 'POST', path: '/rollbacks', streams: null },
};
