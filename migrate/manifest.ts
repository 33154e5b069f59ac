// The objects that `weir migrate` writes, as far as its parts build them together.
import { stringify } from 'yaml';

/** An object to write. Always with a namespace, so that it does not depend on where it is applied. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** An entry of parentRefs. */
export interface ParentRef {
  readonly namespace: string;
  readonly name: string;
  readonly sectionName: string;
}

/** An entry of backendRefs. */
export interface BackendRef {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly port?: number;
  readonly weight?: number;
}

/** An entry of a rule's filters. */
export type Filter = Readonly<Record<string, unknown>> & { readonly type: string };

/** What a match of a path says. */
export interface PathMatch {
  readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression';
  readonly value: string;
}

/** A condition on a header or a query parameter. */
export interface ValueMatch {
  readonly type?: 'RegularExpression';
  readonly name: string;
  readonly value: string;
}

/** An entry of a rule's matches. */
export interface Match {
  readonly path?: PathMatch;
  readonly method?: string;
  readonly headers?: readonly ValueMatch[];
  readonly queryParams?: readonly ValueMatch[];
}

/** A rule of an HTTPRoute. */
export interface Rule {
  readonly matches?: readonly Match[];
  readonly filters?: readonly Filter[];
  readonly backendRefs?: readonly BackendRef[];
}

export const GATEWAY_V1 = 'gateway.networking.k8s.io/v1';
export const WEIR_V1 = 'gateway.weir.dev/v1alpha1';

/** The objects as YAML that readers of YAML 1.1, such as kubectl, understand in the same way. */
export function yamlOf(manifest: Manifest): string {
  return stringify(manifest, { lineWidth: 0, version: '1.1', aliasDuplicateObjects: false });
}

/** Without the entries that are undefined or empty. */
export function compact<T extends object>(value: T): T {
  const kept = Object.entries(value).filter(([, item]) => item !== undefined && !isEmpty(item));
  return Object.fromEntries(kept) as T;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A text as part of a name: lower-case letters, digits and dashes. */
export function slug(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/^\*/, 'any')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return plain.slice(0, 60).replace(/-$/, '');
}
