// The operations of proposals. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface ProposalsOperations {
  /** Propose changes as a pull request. Edits the files that define the objects, with their comments, on a new branch. The caller needs the permission in the namespace of each change. Secrets are not written to a repository. */
  readonly 'proposals.create': {
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
        readonly title?: string;
        readonly description?: string;
      };
    };
    readonly answer: {
      readonly branch: string;
      readonly commit: string;
      /** The files that change. */
      readonly files: readonly string[];
      /** Of the pull request, or where the server lets one be made; empty for none. */
      readonly url: string;
      /** Why there is no pull request; empty if there is one. */
      readonly note: string;
    };
    readonly streams: false;
    readonly code: 'managed-by-gitops' | 'cluster-forbidden' | 'cluster-refused' | 'object-unknown' | 'namespace-unknown' | 'kind-not-installed' | 'source-unknown' | 'file-not-editable' | 'object-exists' | 'source-ambiguous' | 'source-unchanged' | 'changed-meanwhile' | 'object-too-large' | 'object-invalid' | 'object-mismatch' | 'patch-not-applicable' | 'secret-incomplete' | 'secret-unreadable' | 'secret-not-proposed' | 'git-failed' | 'folder-unwritable' | 'cluster-away';
  };
}

export const PROPOSALS: Readonly<Record<keyof ProposalsOperations, OperationFacts>> = {
  'proposals.create': { method: 'POST', path: '/proposals', streams: null },
};
