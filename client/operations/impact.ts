// The operations of impact. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface ImpactOperations {
  /** Tell which requests of the last hour changes would send elsewhere or refuse. Sends the requests that proxies have kept through the matcher of the configuration before and after the changes. By default proxies keep failed requests only (--recent-requests-all). The answer has requests of all namespaces, so the permission is needed in all of them. */
  readonly 'impact.analyse': {
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
      /** Lines of requests that proxies have kept. */
      readonly requests: number;
      readonly replayed: number;
      /** Requests whose line lacks what decides, such as a header. */
      readonly unknown: number;
      /** Older requests that had no room in the answer of the controller. */
      readonly more: number;
      readonly effects: {
        readonly same: number;
        readonly 'other-rule': number;
        readonly 'other-backends': number;
        readonly refused: number;
        readonly accepted: number;
      };
      /** Requests that go elsewhere, by their way before and after, the most frequent first. */
      readonly ways: readonly {
        readonly effect: 'other-rule' | 'other-backends' | 'refused' | 'accepted';
        readonly before: {
          /** The rule; empty if none takes the request. */
          readonly route: string;
          /** Its clusters, with weights if there are several. */
          readonly backends: string;
          /** Why the proxy answers by itself; empty if a backend gets the request. */
          readonly refusal: string;
        };
        readonly after: {
          /** The rule; empty if none takes the request. */
          readonly route: string;
          /** Its clusters, with weights if there are several. */
          readonly backends: string;
          /** Why the proxy answers by itself; empty if a backend gets the request. */
          readonly refusal: string;
        };
        readonly requests: number;
        /** Requests by Consumer. */
        readonly consumers: Readonly<Record<string, number>>;
        /** The latest requests, without query and headers. */
        readonly examples: readonly {
          readonly at: string;
          readonly method: string;
          readonly host: string;
          readonly path: string;
        }[];
      }[];
      readonly moreWays: number;
      /** Proxies that did not tell their requests. */
      readonly missing: readonly string[];
    };
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'file-changed' | 'file-invalid' | 'file-not-editable' | 'file-outside' | 'field-conflict' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'folder-unwritable' | 'cluster-away' | 'compiler-busy' | 'compiler-ended' | 'answer-cut' | 'controllers-away' | 'controller-silent' | 'part-away';
  };
}

export const IMPACT: Readonly<Record<keyof ImpactOperations, OperationFacts>> = {
  'impact.analyse': { method: 'POST', path: '/impact', streams: null },
};
