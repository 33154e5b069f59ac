// Predicts the certificate of a handshake: OpenSSL chooses during the handshake, but the staple must be set before.
import type * as ir from '#api/ir/ir.ts';
import type { Certificate } from '../certificate.ts';
import { readSignatureSchemes } from '../client-hello.ts';

/** The kind of key for each signature scheme of TLS 1.3 (RFC 8446 section 4.2.3); for EC keys with the curve. */
const KEYS: ReadonlyMap<number, string> = new Map([
  [0x0403, 'ec prime256v1'],
  [0x0503, 'ec secp384r1'],
  [0x0603, 'ec secp521r1'],
  [0x0804, 'rsa '],
  [0x0805, 'rsa '],
  [0x0806, 'rsa '],
  [0x0807, 'ed25519 '],
  [0x0808, 'ed448 '],
  [0x0809, 'rsa-pss '],
  [0x080a, 'rsa-pss '],
  [0x080b, 'rsa-pss '],
]);

/**
 * The certificate that the client of this ClientHello will get, or null if that is unknown. With TLS 1.3 it is the one for the first
 * signature scheme that it supports; with TLS 1.2 the cipher suites also matter, and a guess would be wrong.
 */
export function shownCertificate(certificates: readonly Certificate[], { maxVersion }: ir.TlsSettings, hello: Buffer): Certificate | null {
  const [first] = certificates;
  if (first === undefined || certificates.length === 1) return first ?? null;
  if (maxVersion === '1.2') return null;
  for (const scheme of readSignatureSchemes(hello)) {
    const key = KEYS.get(scheme);
    const found = key === undefined ? undefined : certificates.find(({ keyType, curve }) => `${keyType} ${curve}` === key);
    if (found !== undefined) return found;
  }
  return null;
}
