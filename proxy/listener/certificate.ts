// A Secret as TLS can use it: checked once when it arrives, with the names it is good for and the slot of OpenSSL it fills.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import { contentHash } from '#lib/hash.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';

/** A certificate chain with its private key. */
export interface Certificate {
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM. */
  readonly privateKey: string;
  /** Hash of chain and key. */
  readonly version: string;
  /** DNS names of the leaf, lower case; a wildcard stands for exactly one label (RFC 6125 section 6.4.3). */
  readonly names: readonly string[];
  /** Kind of key: a handshake can choose among certificates of different kinds, never among several of one. */
  readonly keyType: string;
  /** Of an EC key: its curve; '' for others. */
  readonly curve: string;
  /** It says that it must not be shown without the answer of its OCSP responder (RFC 7633). */
  readonly mustStaple: boolean;
}

/** By the Secret itself: a changed Secret is another object, and one that is gone takes its certificate along. */
const parsed = new WeakMap<ir.Secret, Result<Certificate>>();

/** The certificate in a Secret, or why there is none. Work is done once per Secret object. */
export function certificateOf(secret: ir.Secret): Result<Certificate> {
  let result = parsed.get(secret);
  if (result === undefined) parsed.set(secret, (result = parse(secret)));
  return result;
}

function parse(secret: ir.Secret): Result<Certificate> {
  try {
    const leaf = new X509Certificate(secret.certificate);
    const privateKey = createPrivateKey(secret.privateKey);
    if (!leaf.checkPrivateKey(privateKey)) return err('the private key does not belong to the certificate');
    return ok({
      chain: secret.certificate,
      privateKey: secret.privateKey,
      version: contentHash(`${secret.certificate}\n${secret.privateKey}`),
      names: dnsNames(leaf.subjectAltName ?? ''),
      keyType: privateKey.asymmetricKeyType ?? '',
      curve: privateKey.asymmetricKeyDetails?.namedCurve ?? '',
      mustStaple: mustStaple(leaf),
    });
  } catch (error) {
    // The message of OpenSSL names the problem and quotes nothing of the key.
    return err(types.isNativeError(error) ? error.message : 'not a certificate');
  }
}

/** id-pe-tlsfeature with status_request in it: 5, the only feature anybody asks for. */
const MUST_STAPLE = Buffer.from('2b06010505070118', 'hex');

function mustStaple({ raw }: X509Certificate): boolean {
  return raw.includes(MUST_STAPLE);
}

/** Node quotes names with unusual characters; those are no host names and fall through. */
function dnsNames(subjectAltName: string): string[] {
  return subjectAltName
    .split(', ')
    .map((entry) => /^DNS:((?:\*\.)?[a-z0-9_.-]+)$/i.exec(entry)?.[1]?.toLowerCase())
    .filter((name) => name !== undefined);
}

/** The wildcard that stands for a name: `a.b.c` gives `*.b.c`. */
export function wildcardOf(name: string): string {
  const dot = name.indexOf('.');
  return dot === -1 ? '' : `*${name.slice(dot)}`;
}
