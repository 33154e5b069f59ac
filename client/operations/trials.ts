// The operations of trials. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface TrialsOperations {
  /** Try what a rule and its policies change in a sample request, and in an answer to it. Modified headers, rewritten URLs, and `request` and `response` of HTTPPolicies. With changes, as the configuration would be after them. The configuration of all namespaces decides, so the permission is needed in all of them. */
  readonly 'trials.run': {
    readonly input: {
      readonly body: {
        readonly request: {
          /** Its port is that of the listener. */
          readonly url: string;
          readonly method?: string;
          readonly headers?: readonly {
            readonly name: string;
            readonly value: string;
          }[];
          readonly body?: string;
          /** The address of the client. */
          readonly from?: string;
        };
        /** The authenticated caller of the gateway, for expressions. */
        readonly principal?: {
          readonly id?: string;
          readonly method?: string;
          readonly consumer?: string;
          readonly plan?: string;
          readonly groups?: readonly string[];
          readonly claims?: Readonly<Record<string, unknown>>;
        };
        /** The answer of the backend. */
        readonly answer?: {
          readonly status?: number;
          readonly headers?: readonly {
            readonly name: string;
            readonly value: string;
          }[];
          readonly body?: string;
        };
        readonly changes?: readonly {
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
      /** The rule; null: none gets the request. */
      readonly route: string | null;
      readonly request: {
        readonly before: {
          /** Method and target, or the status. */
          readonly line: string;
          readonly headers: readonly {
            readonly name: string;
            readonly value: string;
          }[];
          readonly body: string;
        };
        readonly after: {
          /** Method and target, or the status. */
          readonly line: string;
          readonly headers: readonly {
            readonly name: string;
            readonly value: string;
          }[];
          readonly body: string;
        };
      } | null;
      /** Null: the request or the answer is refused. */
      readonly answer: {
        readonly before: {
          /** Method and target, or the status. */
          readonly line: string;
          readonly headers: readonly {
            readonly name: string;
            readonly value: string;
          }[];
          readonly body: string;
        };
        readonly after: {
          /** Method and target, or the status. */
          readonly line: string;
          readonly headers: readonly {
            readonly name: string;
            readonly value: string;
          }[];
          readonly body: string;
        };
      } | null;
      readonly refusal: {
        readonly status: number;
        readonly code: string;
        readonly detail: string;
      } | null;
    };
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'folder-unwritable' | 'cluster-away' | 'compiler-busy' | 'compiler-ended';
  };
}

export const TRIALS: Readonly<Record<keyof TrialsOperations, OperationFacts>> = {
  'trials.run': { method: 'POST', path: '/trials', streams: null },
};
