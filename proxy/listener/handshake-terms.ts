// How a listener does handshakes, its certificates apart: whom clients must be certified by. Sessions resume and connections
// live on only under the terms they began with.
import { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import { contentHash } from '#lib/hash.ts';
import type { ListenerProblem } from './problem.ts';

/** Whom clients are checked against. */
export interface ClientTrust {
  /** PEM, one or more certificates. */
  readonly authorities: string;
  /** A handshake without a valid certificate ends. */
  readonly required: boolean;
}

export interface HandshakeTerms {
  /** Hash of all that is below: equal for equal terms. */
  readonly version: string;
  /** Null: clients are not asked for a certificate. */
  readonly trust: ClientTrust | null;
}

/** Trust bundles by key. */
export type TrustBundles = ReadonlyMap<string, ir.TrustBundle>;

export const DEFAULT_TERMS: HandshakeTerms = Object.freeze({ version: '', trust: null });

/**
 * The terms of a listener, with a problem for each bundle that cannot be used. Null terms: none is left, and nobody may come in
 * unchecked.
 */
export function termsOf(
  { key, tls: settings }: ir.Listener,
  bundles: TrustBundles,
): { readonly terms: HandshakeTerms | null; readonly problems: readonly ListenerProblem[] } {
  const validation = settings?.clientValidation;
  if (validation === undefined) return { terms: DEFAULT_TERMS, problems: [] };
  const checked = validation.authorities.map((authority) => ({ authority, bundle: bundles.get(authority) }));
  const problems = checked.flatMap(({ authority, bundle }): ListenerProblem[] => {
    const message = bundle === undefined ? 'it does not exist' : problemOf(bundle);
    return message === null ? [] : [{ listener: key, reason: 'InvalidTrustBundle', message: `${authority}: ${message}` }];
  });
  const authorities = checked.flatMap(({ bundle }) => (bundle !== undefined && problemOf(bundle) === null ? [bundle.certificates] : []));
  if (authorities.length === 0) return { terms: null, problems };
  const trust = { authorities: authorities.join('\n'), required: validation.mode === 'AllowValidOnly' };
  return { terms: { version: contentHash(JSON.stringify(trust)), trust }, problems };
}

/** By the bundle itself, as with Secrets. */
const checked = new WeakMap<ir.TrustBundle, string | null>();

/** Why nobody can be checked against the bundle, or null. */
function problemOf(bundle: ir.TrustBundle): string | null {
  let problem = checked.get(bundle);
  if (problem === undefined) checked.set(bundle, (problem = load(bundle.certificates)));
  return problem;
}

/** OpenSSL passes over what it cannot read, and would then trust nobody without a word. */
function load(certificates: string): string | null {
  try {
    new X509Certificate(certificates);
    return null;
  } catch (error) {
    return types.isNativeError(error) ? error.message : 'refused by OpenSSL';
  }
}
