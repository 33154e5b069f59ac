// The operations of bindings. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface BindingsOperations {
  /** List bindings. Only those in namespaces in which the caller may see them. */
  readonly 'bindings.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly items: readonly {
        /** Its id. */
        readonly id: string;
        /** What the role is given to. */
        readonly subjectKind: 'user' | 'group' | 'serviceAccount';
        /** The name of the user or group, or NAMESPACE/NAME of the ServiceAccount. */
        readonly subject: string;
        /** Its name. */
        readonly role: string;
        /** The tenant in whose namespaces the role counts; null: no tenant. */
        readonly tenant: string | null;
        /** The namespaces in which the role counts; null without a tenant: everywhere. */
        readonly namespaces: readonly string[] | null;
        /** A time by RFC 3339. */
        readonly created: string;
        /** The name of the caller that gave the role. */
        readonly createdBy: string;
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Give a role. The caller must have all permissions of the role in the same namespaces. The sessions of the user end. */
  readonly 'bindings.create': {
    readonly input: {
      readonly body: {
        /** What the role is given to. */
        readonly subjectKind: 'user' | 'group' | 'serviceAccount';
        /** The name of the user or group, or NAMESPACE/NAME of the ServiceAccount. */
        readonly subject: string;
        /** Its name. */
        readonly role: string;
        /** Its name. */
        readonly tenant?: string;
        /** Namespaces. */
        readonly namespaces?: readonly string[];
      };
    };
    readonly answer: {
      /** Its id. */
      readonly id: string;
      /** What the role is given to. */
      readonly subjectKind: 'user' | 'group' | 'serviceAccount';
      /** The name of the user or group, or NAMESPACE/NAME of the ServiceAccount. */
      readonly subject: string;
      /** Its name. */
      readonly role: string;
      /** The tenant in whose namespaces the role counts; null: no tenant. */
      readonly tenant: string | null;
      /** The namespaces in which the role counts; null without a tenant: everywhere. */
      readonly namespaces: readonly string[] | null;
      /** A time by RFC 3339. */
      readonly created: string;
      /** The name of the caller that gave the role. */
      readonly createdBy: string;
    };
    readonly streams: false;
    readonly code: 'rights-exceeded';
  };
  /** Read a binding. */
  readonly 'bindings.get': {
    readonly input: {
      readonly params: {
        /** Its id. */
        readonly binding: string;
      };
    };
    readonly answer: {
      /** Its id. */
      readonly id: string;
      /** What the role is given to. */
      readonly subjectKind: 'user' | 'group' | 'serviceAccount';
      /** The name of the user or group, or NAMESPACE/NAME of the ServiceAccount. */
      readonly subject: string;
      /** Its name. */
      readonly role: string;
      /** The tenant in whose namespaces the role counts; null: no tenant. */
      readonly tenant: string | null;
      /** The namespaces in which the role counts; null without a tenant: everywhere. */
      readonly namespaces: readonly string[] | null;
      /** A time by RFC 3339. */
      readonly created: string;
      /** The name of the caller that gave the role. */
      readonly createdBy: string;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Take a role. The sessions of the user end. */
  readonly 'bindings.delete': {
    readonly input: {
      readonly params: {
        /** Its id. */
        readonly binding: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'rights-exceeded' | 'last-admin';
  };
}

export const BINDINGS: Readonly<Record<keyof BindingsOperations, OperationFacts>> = {
  'bindings.list': { method: 'GET', path: '/bindings', streams: null },
  'bindings.create': { method: 'POST', path: '/bindings', streams: null },
  'bindings.get': { method: 'GET', path: '/bindings/{binding}', streams: null },
  'bindings.delete': { method: 'DELETE', path: '/bindings/{binding}', streams: null },
};
