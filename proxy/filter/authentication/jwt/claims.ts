// The checks of the claims of a verified token (RFC 7519 section 4.1, RFC 8725 section 3).

/** What the claims must be. */
export interface ClaimRules {
  /** Empty: any. */
  readonly audiences: readonly string[];
  /** Seconds. */
  readonly clockSkew: number;
  readonly required: readonly { readonly name: string; readonly values: readonly string[] | null }[];
  /** For `lacksScope`. */
  readonly scopes: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

/** A claim of the token itself, never an inherited member. */
export function claimOf(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** Why the claims are not valid at this time (seconds), scopes aside; null if they are. */
export function problemOf(claims: Claims, rules: ClaimRules, now: number): string | null {
  return timeProblem(claims, rules, now) ?? contentProblem(claims, rules);
}

/** The time in which a token is valid, seconds since the epoch: from its start until before its end. */
export interface Validity {
  readonly start: number;
  readonly end: number;
}

/** It is empty if the claims are not times. */
export function validityOf(claims: Claims, { clockSkew }: Pick<ClaimRules, 'clockSkew'>): Validity {
  const [exp, nbf = 0, iat = 0] = ['exp', 'nbf', 'iat'].map((name) => claimOf(claims, name));
  if (!isTime(exp) || !isTime(nbf) || !isTime(iat)) return NEVER;
  return { start: Math.max(nbf, iat) - clockSkew, end: exp + clockSkew };
}

const NEVER: Validity = { start: Infinity, end: -Infinity };

function timeProblem(claims: Claims, rules: ClaimRules, now: number): string | null {
  const validity = validityOf(claims, rules);
  if (validity === NEVER) return 'the token has no valid time of expiry';
  if (now >= validity.end) return 'the token has expired';
  return now < validity.start ? 'the token is not valid yet' : null;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** Why the audience or another claim is wrong; null if none is. */
export function contentProblem(claims: Claims, { audiences, required }: Pick<ClaimRules, 'audiences' | 'required'>): string | null {
  if (audiences.length > 0 && !overlaps(textsOf(claimOf(claims, 'aud')), audiences)) return 'the token is for another audience';
  const lacking = required.find(({ name, values }) => !isFulfilled(claimOf(claims, name), values));
  return lacking === undefined ? null : `the token lacks the claim ${lacking.name}, or has another value`;
}

function isFulfilled(value: unknown, values: readonly string[] | null): boolean {
  if (value === undefined || value === null) return false;
  return values === null || overlaps(textsOf(value), values);
}

/** Whether the claim `scope` (or `scp`) lacks one of the scopes. */
export function lacksScope(claims: Claims, scopes: readonly string[]): boolean {
  const given = [claimOf(claims, 'scope'), claimOf(claims, 'scp')].flatMap(textsOf).flatMap((text) => text.split(' '));
  return !scopes.every((scope) => given.includes(scope));
}

/** The texts of a claim that is a text, a number, a boolean, or a list of texts. */
export function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.filter((member) => typeof member === 'string');
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];
}

function overlaps(a: readonly string[], b: readonly string[]): boolean {
  return a.some((value) => b.includes(value));
}
