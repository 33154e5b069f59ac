// Issues certificates for TLS clients (RFC 5280), signed by a CA whose key is at hand.
import { X509Certificate, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bits, boolean, elements, integer, octets, oid, sequence, set, tagged, text, time } from './der.ts';

/** Whom a certificate is for. Times in milliseconds since the epoch. */
export interface CertificateRequest {
  /** The common name; 64 characters at most are kept. */
  readonly commonName: string;
  /** The one URI among its names. */
  readonly uri: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** PEM. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

const MAX_COMMON_NAME = 64;
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const RSA_SHA256 = sequence(oid('1.2.840.113549.1.1.11'), tagged(0x05));

export class CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly #key: KeyObject;
  readonly #algorithm: Buffer;
  readonly #name: Buffer;

  /** Both PEM. Throws when the key is not that of the certificate, the certificate not that of a CA, or the key neither RSA nor EC. */
  constructor(certificate: string, privateKey: string) {
    const own = new X509Certificate(certificate);
    this.certificate = certificate;
    this.#key = createPrivateKey(privateKey);
    if (!own.checkPrivateKey(this.#key)) throw new Error('the key is not that of the certificate');
    if (!own.ca) throw new Error('the certificate is not that of a CA');
    const type = this.#key.asymmetricKeyType;
    if (type !== 'ec' && type !== 'rsa') throw new Error(`a key of type ${String(type)}: only ec and rsa`);
    this.#algorithm = type === 'ec' ? ECDSA_SHA256 : RSA_SHA256;
    this.#name = subjectOf(own);
  }

  /** A new key (P-256) and its certificate. */
  issue(request: CertificateRequest): IssuedCertificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const content = this.#content(request, publicKey.export({ type: 'spki', format: 'der' }));
    const signature = sign('sha256', content, this.#key);
    const der = sequence(content, this.#algorithm, bits(signature));
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    return {
      certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }

  #content({ commonName, uri, notBefore, notAfter }: CertificateRequest, publicKey: Uint8Array): Buffer {
    const serial = randomBytes(16);
    // Neither negative nor with zeroes in front.
    serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
    return sequence(
      tagged(0xa0, integer(Buffer.from([2]))),
      integer(serial),
      this.#algorithm,
      this.#name,
      sequence(time(new Date(notBefore)), time(new Date(notAfter))),
      sequence(set(sequence(oid('2.5.4.3'), text(commonName.slice(0, MAX_COMMON_NAME))))),
      publicKey,
      tagged(0xa3, extensions(uri)),
    );
  }
}

function extensions(uri: string): Buffer {
  const critical = boolean(true);
  return sequence(
    sequence(oid('2.5.29.19'), critical, octets(sequence())),
    // digitalSignature alone.
    sequence(oid('2.5.29.15'), critical, octets(bits(Buffer.from([0x80]), 7))),
    sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.2')))),
    sequence(oid('2.5.29.17'), octets(sequence(tagged(0x86, Buffer.from(uri, 'ascii'))))),
  );
}

/** The name byte for byte: a certificate's issuer must equal it. */
function subjectOf({ raw }: X509Certificate): Buffer {
  const [content = Buffer.alloc(0)] = elements(raw);
  // version, serial number, algorithm, issuer, validity, subject
  const subject = elements(content)[5];
  if (subject === undefined || content[0] !== 0x30) throw new Error('the certificate has no subject');
  return subject;
}
