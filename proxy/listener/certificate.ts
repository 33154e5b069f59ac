// A Secret in the form for TLS: checked once, with its names and its kind of key.
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
  /** A hash of chain and key. */
  readonly version: string;
  /** The DNS names of the certificate in lower case; a wildcard covers exactly one label (RFC 6125 section 6.4.3). */
  readonly names: readonly string[];
  /** The kind of key: a handshake can choose among certificates with different kinds only. */
  readonly keyType: string;
  /** The curve of an EC key; '' for others. */
  readonly curve: string;
  /** The certificate requires a stapled OCSP answer (RFC 7633). */
  readonly mustStaple: boolean;
}

/** By Secret object: a changed Secret is another object, and the entry of a removed one is garbage-collected. */
const parsed = new WeakMap<ir.Secret, Result<Certificate>>();

/** The certificate in a Secret, or the reason why there is none. Computed once per Secret object. */
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
    // OpenSSL's message describes the problem without quoting the key.
    return err(types.isNativeError(error) ? error.message : 'not a certificate');
  }
}

/** id-pe-tlsfeature with status_request (5), the only feature in use. */
const MUST_STAPLE = Buffer.from('2b06010505070118', 'hex');

function mustStaple({ raw }: X509Certificate): boolean {
  return raw.includes(MUST_STAPLE);
}

/** Node quotes names with unusual characters; they are not host names and are dropped. */
function dnsNames(subjectAltName: string): string[] {
  return subjectAltName
    .split(', ')
    .map((entry) => /^DNS:((?:\*\.)?[a-z0-9_.-]+)$/i.exec(entry)?.[1]?.toLowerCase())
    .filter((name) => name !== undefined);
}

/** The wildcard for a name: `a.b.c` gives `*.b.c`. */
export function wildcardOf(name: string): string {
  const dot = name.indexOf('.');
  return dot === -1 ? '' : `*${name.slice(dot)}`;
}
