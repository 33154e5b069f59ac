// The operations of tenants. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';

export interface TenantsOperations {
  /** List tenants. Only those with a namespace in which the caller may see them. */
  readonly 'tenants.list': {
    readonly input: Readonly<Record<string, never>>;
    readonly answer: {
      readonly items: readonly {
        /** Its name. */
        readonly name: string;
        /** What it is for. */
        readonly description: string;
        /** Namespaces. */
        readonly namespaces: readonly string[];
      }[];
      /** The cursor of the next page; null: this is the last. */
      readonly next: string | null;
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Add a tenant. */
  readonly 'tenants.create': {
    readonly input: {
      readonly body: {
        /** Its name. */
        readonly name: string;
        /** What it is for. */
        readonly description: string;
        /** Namespaces. */
        readonly namespaces: readonly string[];
      };
    };
    readonly answer: {
      /** Its name. */
      readonly name: string;
      /** What it is for. */
      readonly description: string;
      /** Namespaces. */
      readonly namespaces: readonly string[];
    };
    readonly streams: false;
    readonly code: 'tenant-exists';
  };
  /** Read a tenant. */
  readonly 'tenants.get': {
    readonly input: {
      readonly params: {
        /** Its name. */
        readonly tenant: string;
      };
    };
    readonly answer: {
      /** Its name. */
      readonly name: string;
      /** What it is for. */
      readonly description: string;
      /** Namespaces. */
      readonly namespaces: readonly string[];
    };
    readonly streams: false;
    readonly code: never;
  };
  /** Replace a tenant. The caller must have the roles that are bound in the tenant in each namespace that it gets. Sessions of their users end. */
  readonly 'tenants.replace': {
    readonly input: {
      readonly params: {
        /** Its name. */
        readonly tenant: string;
      };
      readonly body: {
        /** What it is for. */
        readonly description: string;
        /** Namespaces. */
        readonly namespaces: readonly string[];
      };
      /** The ETag that the object must have, without quotes; * for any state. */
      readonly ifMatch: string;
    };
    readonly answer: {
      /** Its name. */
      readonly name: string;
      /** What it is for. */
      readonly description: string;
      /** Namespaces. */
      readonly namespaces: readonly string[];
    };
    readonly streams: false;
    readonly code: 'rights-exceeded';
  };
  /** Delete a tenant. The bindings in it must be deleted first. */
  readonly 'tenants.delete': {
    readonly input: {
      readonly params: {
        /** Its name. */
        readonly tenant: string;
      };
    };
    readonly answer: undefined;
    readonly streams: false;
    readonly code: 'tenant-in-use';
  };
}

export const TENANTS: Readonly<Record<keyof TenantsOperations, OperationFacts>> = {
  'tenants.list': { method: 'GET', path: '/tenants', streams: null },
  'tenants.create': { method: 'POST', path: '/tenants', streams: null },
  'tenants.get': { method: 'GET', path: '/tenants/{tenant}', streams: null },
  'tenants.replace': { method: 'PUT', path: '/tenants/{tenant}', streams: null },
  'tenants.delete': { method: 'DELETE', path: '/tenants/{tenant}', streams: null },
};
