// The terms of a listener's handshakes besides its certificates: the authorities for clients, and the TLS settings. Sessions resume only
// with the same terms.
import { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import { contentHash } from '#lib/hash.ts';
import type { ListenerProblem } from './problem.ts';

/** The authorities for client certificates. */
export interface ClientTrust {
  /** A hash of the fields below: equal for equal authorities. */
  readonly version: string;
  /** PEM, one or more certificates. */
  readonly authorities: string;
  /** A handshake without a valid certificate fails. */
  readonly required: boolean;
}

export interface HandshakeTerms {
  /** A hash of the fields below: equal for equal terms. */
  readonly version: string;
  /** Null: the proxy requests no certificate. */
  readonly trust: ClientTrust | null;
  readonly settings: ir.TlsSettings;
}

/** Trust bundles by key. */
export type TrustBundles = ReadonlyMap<string, ir.TrustBundle>;

export const DEFAULT_TERMS: HandshakeTerms = Object.freeze({ version: '', trust: null, settings: {} });

/** The terms of a listener. Null value: clients cannot be verified, so none are accepted. */
interface Found<T> {
  readonly value: T | null;
  readonly problems: readonly ListenerProblem[];
}

/** The terms of a listener, and a problem for each unusable bundle. */
export function termsOf(listener: ir.Listener, bundles: TrustBundles): Found<HandshakeTerms> {
  const { clientValidation, settings = {} } = listener.tls ?? {};
  if (clientValidation === undefined) return { value: withVersion(null, settings), problems: [] };
  const { value: trust, problems } = trustOf(listener.key, clientValidation, bundles);
  return { value: trust === null ? null : withVersion(trust, settings), problems };
}

function withVersion(trust: ClientTrust | null, settings: ir.TlsSettings): HandshakeTerms {
  if (trust === null && Object.keys(settings).length === 0) return DEFAULT_TERMS;
  return { version: contentHash(JSON.stringify([trust?.version ?? null, settings])), trust, settings };
}

function trustOf(listener: string, { mode, authorities }: ir.ClientValidation, bundles: TrustBundles): Found<ClientTrust> {
  const found = authorities.map((authority) => ({ authority, bundle: bundles.get(authority) }));
  const problems = found.flatMap(({ authority, bundle }): ListenerProblem[] => {
    const message = bundle === undefined ? 'it does not exist' : problemOf(bundle);
    return message === null ? [] : [{ listener, reason: 'InvalidTrustBundle', message: `${authority}: ${message}` }];
  });
  const usable = found.flatMap(({ bundle }) => (bundle !== undefined && problemOf(bundle) === null ? [bundle.certificates] : []));
  const trust = { authorities: usable.join('\n'), required: mode === 'AllowValidOnly' };
  return { value: usable.length === 0 ? null : { version: contentHash(JSON.stringify(trust)), ...trust }, problems };
}

/** By bundle object, as with Secrets. */
const checked = new WeakMap<ir.TrustBundle, string | null>();

/** The reason why the bundle cannot verify clients, or null. */
function problemOf(bundle: ir.TrustBundle): string | null {
  let problem = checked.get(bundle);
  if (problem === undefined) checked.set(bundle, (problem = load(bundle.certificates)));
  return problem;
}

/** OpenSSL ignores PEM that it cannot read, and would then trust no authority without an error. */
function load(certificates: string): string | null {
  try {
    new X509Certificate(certificates);
    return null;
  } catch (error) {
    return types.isNativeError(error) ? error.message : 'refused by OpenSSL';
  }
}
