// The operations of configuration. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface ConfigurationOperations {
  /** List the kinds of objects. */
  readonly 'configuration.kinds': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly items: readonly {
        readonly kind: string;
        readonly apiVersion: string;
        readonly namespaced: boolean;
      }[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** List objects of a kind. Without a namespace the caller needs the permission in all namespaces. Secrets come without their data. */
  readonly 'configuration.list': {
    readonly input: {
      readonly params: {
        /** A kind that Weir reads, like HTTPRoute. */
        readonly kind: string;
      };
      readonly query?: {
        /** The largest number of items. */
        readonly limit?: number;
        /** The member next of the page before. */
        readonly cursor?: string;
        /** A namespace; - for kinds without namespaces. */
        readonly namespace?: string;
        /** In the words of kubectl: app=shop,tier!=db. */
        readonly labelSelector?: string;
      };
    };
    readonly answer: {
      readonly items: readonly {
        /** A Kubernetes object. */
        readonly object: Readonly<Record<string, unknown>>;
        /** Changes with each change of the object; send it back in If-Match. */
        readonly etag: string;
        /** Where a folder defines it; null in a cluster. */
        readonly place: {
          /** Relative to the folder. */
          readonly file: string;
          readonly line: number;
        } | null;
        /** The names of the entries of a Secret. */
        readonly entries?: readonly string[];
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: 'cluster-forbidden' | 'cluster-away';
  };
  /** Read an object. As its author wrote it. A Secret comes with the names of its entries, and without its data. */
  readonly 'configuration.get': {
    readonly input: {
      readonly params: {
        /** A kind that Weir reads, like HTTPRoute. */
        readonly kind: string;
        /** A namespace; - for kinds without namespaces. */
        readonly namespace: string;
        /** The name of the object. */
        readonly name: string;
      };
    };
    readonly answer: {
      /** A Kubernetes object. */
      readonly object: Readonly<Record<string, unknown>>;
      /** Changes with each change of the object; send it back in If-Match. */
      readonly etag: string;
      /** Where a folder defines it; null in a cluster. */
      readonly place: {
        /** Relative to the folder. */
        readonly file: string;
        readonly line: number;
      } | null;
      /** The names of the entries of a Secret. */
      readonly entries?: readonly string[];
    };
    readonly streams: false;
    readonly code: 'cluster-forbidden' | 'object-unknown' | 'file-invalid' | 'cluster-away';
  };
  /** Replace an object. If-Match: * replaces any state. */
  readonly 'configuration.replace': {
    readonly input: {
      readonly params: {
        /** A kind that Weir reads, like HTTPRoute. */
        readonly kind: string;
        /** A namespace; - for kinds without namespaces. */
        readonly namespace: string;
        /** The name of the object. */
        readonly name: string;
      };
      readonly query?: {
        /** Take over fields that other programs have set in the cluster; in a folder no field has such an owner. */
        readonly force?: boolean;
      };
      readonly body: {
        /** A Kubernetes object. */
        readonly object: Readonly<Record<string, unknown>>;
      };
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: {
      /** A Kubernetes object. */
      readonly object: Readonly<Record<string, unknown>>;
      /** Changes with each change of the object; send it back in If-Match. */
      readonly etag: string;
      /** Where a folder defines it; null in a cluster. */
      readonly place: {
        /** Relative to the folder. */
        readonly file: string;
        readonly line: number;
      } | null;
      /** The names of the entries of a Secret. */
      readonly entries?: readonly string[];
    };
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'folder-unwritable' | 'cluster-away';
  };
  /** Change some fields of an object. By a JSON merge patch (RFC 7386) or a JSON patch (RFC 6902). A JSON patch of a Secret only adds, replaces and removes. */
  readonly 'configuration.patch': {
    readonly input: {
      readonly params: {
        /** A kind that Weir reads, like HTTPRoute. */
        readonly kind: string;
        /** A namespace; - for kinds without namespaces. */
        readonly namespace: string;
        /** The name of the object. */
        readonly name: string;
      };
      readonly query?: {
        /** Take over fields that other programs have set in the cluster; in a folder no field has such an owner. */
        readonly force?: boolean;
      };
      readonly body: {
        /** A JSON merge patch (RFC 7386). */
        readonly merge?: Readonly<Record<string, unknown>>;
        /** A JSON patch (RFC 6902). */
        readonly json?: readonly {
          readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
          readonly path: string;
          readonly from?: string;
          readonly value?: unknown;
        }[];
      };
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: {
      /** A Kubernetes object. */
      readonly object: Readonly<Record<string, unknown>>;
      /** Changes with each change of the object; send it back in If-Match. */
      readonly etag: string;
      /** Where a folder defines it; null in a cluster. */
      readonly place: {
        /** Relative to the folder. */
        readonly file: string;
        readonly line: number;
      } | null;
      /** The names of the entries of a Secret. */
      readonly entries?: readonly string[];
    };
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'folder-unwritable' | 'cluster-away';
  };
  /** Delete an object. */
  readonly 'configuration.delete': {
    readonly input: {
      readonly params: {
        /** A kind that Weir reads, like HTTPRoute. */
        readonly kind: string;
        /** A namespace; - for kinds without namespaces. */
        readonly namespace: string;
        /** The name of the object. */
        readonly name: string;
      };
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'folder-unwritable' | 'cluster-away';
  };
  /** Create an object. In a folder it gets a file of its own. */
  readonly 'configuration.create': {
    readonly input: {
      readonly params: {
        /** A kind that Weir reads, like HTTPRoute. */
        readonly kind: string;
        /** A namespace; - for kinds without namespaces. */
        readonly namespace: string;
      };
      readonly body: {
        /** A Kubernetes object. */
        readonly object: Readonly<Record<string, unknown>>;
      };
    };
    readonly answer: {
      /** A Kubernetes object. */
      readonly object: Readonly<Record<string, unknown>>;
      /** Changes with each change of the object; send it back in If-Match. */
      readonly etag: string;
      /** Where a folder defines it; null in a cluster. */
      readonly place: {
        /** Relative to the folder. */
        readonly file: string;
        readonly line: number;
      } | null;
      /** The names of the entries of a Secret. */
      readonly entries?: readonly string[];
    };
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'object-exists' | 'file-exists' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'folder-unwritable' | 'cluster-away';
  };
  /** Tell what changes would do. All changes together, by the compiler of the controller: fields, routes and other resources of proxies, listeners, conditions, and problems that come and go. Effects on namespaces that the caller may not read are left out. */
  readonly 'configuration.dryRun': {
    readonly input: {
      readonly body: {
        readonly changes: readonly {
          /** A kind that Weir reads, like HTTPRoute. */
          readonly kind: string;
          /** A namespace; - for kinds without namespaces. */
          readonly namespace: string;
          /** The name of the object. */
          readonly name: string;
          readonly operation: 'create' | 'replace' | 'patch' | 'delete';
          /** A Kubernetes object. */
          readonly object?: Readonly<Record<string, unknown>>;
          /** A JSON merge patch (RFC 7386). */
          readonly merge?: Readonly<Record<string, unknown>>;
          /** A JSON patch (RFC 6902). */
          readonly json?: readonly {
            readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
            readonly path: string;
            readonly from?: string;
            readonly value?: unknown;
          }[];
          readonly etag?: string;
          /** Take over fields that other programs have set in the cluster; in a folder no field has such an owner. */
          readonly force?: boolean;
        }[];
      };
    };
    readonly answer: {
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
    };
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'folder-unwritable' | 'cluster-away' | 'compiler-busy' | 'compiler-ended';
  };
  /** Export all objects as YAML. One document for each object, without what a server sets. Secrets are left out. Without a namespace the caller needs the permission in all. */
  readonly 'configuration.export': {
    readonly input: {
      readonly query?: {
        /** A namespace; - for kinds without namespaces. */
        readonly namespace?: string;
      };
    };
    readonly answer: string;
    readonly streams: true;
    readonly code: never;
  };
  /** Create and replace the objects of a YAML file. All of them, or none if one is refused. Objects that the file does not have stay. The caller needs the permission in the namespace of each object. */
  readonly 'configuration.import': {
    readonly input: {
      readonly query?: {
        /** Tell only what it would do. */
        readonly dryRun?: boolean;
        /** Leave objects that are refused as they are. */
        readonly skipRefused?: boolean;
      };
      readonly upload: Uint8Array;
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
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'import-refused' | 'import-incomplete' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'import-invalid' | 'folder-unwritable' | 'cluster-away' | 'compiler-busy' | 'compiler-ended';
  };
}

export const CONFIGURATION: Readonly<Record<keyof ConfigurationOperations, OperationFacts>> = {
  'configuration.kinds': { method: 'GET', path: '/configuration', streams: null },
  'configuration.list': { method: 'GET', path: '/configuration/{kind}', streams: null },
  'configuration.get': { method: 'GET', path: '/configuration/{kind}/{namespace}/{name}', streams: null },
  'configuration.replace': { method: 'PUT', path: '/configuration/{kind}/{namespace}/{name}', streams: null },
  'configuration.patch': { method: 'PATCH', path: '/configuration/{kind}/{namespace}/{name}', streams: null },
  'configuration.delete': { method: 'DELETE', path: '/configuration/{kind}/{namespace}/{name}', streams: null },
  'configuration.create': { method: 'POST', path: '/configuration/{kind}/{namespace}', streams: null },
  'configuration.dryRun': { method: 'POST', path: '/dry-runs', streams: null },
  'configuration.export': { method: 'GET', path: '/configuration-export', streams: 'application/yaml' },
  'configuration.import': { method: 'POST', path: '/configuration-import', streams: null, uploads: 'application/yaml' },
};
