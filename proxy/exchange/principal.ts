// The authenticated caller of an exchange. Authentication sets it; limits, authorisation, balancing, headers and the access log read it.

/** How a caller was authenticated. */
export type PrincipalMethod =
  'apiKey' | 'basic' | 'jwt' | 'certificate' | 'hmac' | 'signature' | 'introspection' | 'oidc' | 'external' | 'anonymous';

export interface Principal {
  /** The subject of a token, a user name, the name of a consumer: never a credential. Unique among the principals of one authenticator. */
  readonly id: string;
  readonly method: PrincipalMethod;
  readonly groups: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  /** `<namespace>/<name>` of its Consumer; '' without one. */
  readonly consumer: string;
  /** The plan of its Consumer; '' without one. */
  readonly plan: string;
}

/** A claim as a text: of a list its members with commas; null if the principal lacks it, or if it is an object. */
export function claimText({ claims }: Principal, name: string): string | null {
  const value = Object.hasOwn(claims, name) ? claims[name] : null;
  return Array.isArray(value) ? value.map(scalarText).join(',') : scalarText(value);
}

function scalarText(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}
