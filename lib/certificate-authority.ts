// Issues certificates for TLS clients and servers (RFC 5280) with the key of a CA, and creates such a CA.
import { X509Certificate, createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { fieldsOfCertificate, type CertificateFields } from './certificate-fields.ts';
import {
  bits,
  bitsOf,
  boolean,
  context,
  encodeDer,
  integer,
  octets,
  oid,
  oidOf,
  readDer,
  sequence,
  sequenceOf,
  set,
  TAG,
  text,
  time,
} from './der.ts';

/** The only name in a certificate: the URI of a client (as in SPIFFE), or the host name of a server. */
export type CertificateHolder = { readonly kind: 'client'; readonly uri: string } | { readonly kind: 'server'; readonly host: string };

/** The start and the lifetime of a certificate, in milliseconds; `now` is since the epoch. */
export interface Validity {
  readonly now: number;
  readonly lifetime: number;
}

/** The subject of a certificate. */
export interface CertificateRequest extends Validity {
  /** The common name, cut to 64 characters. */
  readonly commonName: string;
  readonly holder: CertificateHolder;
}

/** PEM. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

const MAX_COMMON_NAME = 64;
/** Clocks differ, so a certificate is valid from this long before its creation, milliseconds. */
const SKEW = 3_600_000;
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const RSA_SHA256 = sequence(oid('1.2.840.113549.1.1.11'), encodeDer(TAG.null));

export class CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  /** PEM of all trusted CAs: this one, and a second one during a rotation. */
  readonly bundle: string;
  /** The end of the CA's own certificate, milliseconds since the epoch. */
  readonly notAfter: number;
  readonly #own: X509Certificate;
  readonly #key: KeyObject;
  readonly #algorithm: Buffer;
  readonly #name: Buffer;
  readonly #keyId: Buffer;

  /**
   * All arguments are PEM. Throws if the key does not match the certificate, the certificate is not a CA certificate, or the key is neither
   * RSA nor EC.
   */
  constructor(certificate: string, privateKey: string, bundle = certificate) {
    const own = new X509Certificate(certificate);
    this.certificate = certificate;
    this.bundle = bundle;
    this.notAfter = Date.parse(own.validTo);
    this.#own = own;
    this.#key = createPrivateKey(privateKey);
    if (!own.checkPrivateKey(this.#key)) throw new Error('the key is not that of the certificate');
    if (!own.ca) throw new Error('the certificate is not that of a CA');
    const type = this.#key.asymmetricKeyType;
    if (type !== 'ec' && type !== 'rsa') throw new Error(`a key of type ${String(type)}: only ec and rsa`);
    this.#algorithm = type === 'ec' ? ECDSA_SHA256 : RSA_SHA256;
    const fields = fieldsOfCertificate(own.raw);
    if (fields === null) throw new Error('the certificate has no subject');
    // Byte by byte: the issuer of each certificate must equal it.
    this.#name = fields.subject.raw;
    this.#keyId = keyIdOf(fields, own.publicKey);
  }

  /** Creates a key (P-256) and a certificate, which ends no later than the CA's own. */
  issue({ commonName, holder, now, lifetime }: CertificateRequest): IssuedCertificate {
    const signer = { name: this.#name, key: this.#key, keyId: this.#keyId, algorithm: this.#algorithm };
    const notAfter = Math.min(now + lifetime, this.notAfter);
    return signed({ subject: nameOf(commonName), notBefore: now - SKEW, notAfter, extensions: ofHolder(holder, signer) }, newKey(), signer);
  }

  /**
   * Whether this CA issued the certificate for the holder, and the certificate is valid until `until` (milliseconds since the epoch) or
   * until the CA expires. Any text may be given; one that is not PEM gives false.
   */
  vouchesFor(certificate: string, holder: CertificateHolder, until: number): boolean {
    try {
      const issued = new X509Certificate(certificate);
      const isTheirs = issued.subjectAltName === (holder.kind === 'client' ? `URI:${holder.uri}` : `DNS:${holder.host}`);
      return isTheirs && issued.verify(this.#own.publicKey) && Date.parse(issued.validTo) >= Math.min(until, this.notAfter);
    } catch {
      return false;
    }
  }
}

/** A self-signed CA: its certificate and key (P-256). CAs in one bundle need different names. */
export function makeAuthority(commonName: string, { now, lifetime }: Validity): IssuedCertificate {
  const keys = newKey();
  const subject = nameOf(commonName);
  const keyId = derivedKeyId(keys.publicKey);
  const content = { subject, notBefore: now - SKEW, notAfter: now + lifetime, extensions: ofAuthority(keyId) };
  return signed(content, keys, { name: subject, key: keys.privateKey, keyId, algorithm: ECDSA_SHA256 });
}

/** A self-signed certificate whose only content is the answer to a challenge for a host (RFC 8737): `digest` is that of the key authorization. */
export function makeChallengeCertificate(host: string, digest: Buffer, { now, lifetime }: Validity): IssuedCertificate {
  const keys = newKey();
  const subject = nameOf(host);
  const extensions = sequence(
    sequence(SUBJECT_ALT_NAME, octets(sequence(hostName(host)))),
    sequence(oid('1.3.6.1.5.5.7.1.31'), CRITICAL, octets(octets(digest))),
  );
  const content = { subject, notBefore: now - SKEW, notAfter: now + lifetime, extensions };
  return signed(content, keys, { name: subject, key: keys.privateKey, keyId: Buffer.alloc(0), algorithm: ECDSA_SHA256 });
}

/** A request to sign a key (P-256, PEM) for these hosts (PKCS #10, RFC 2986), DER. */
export function makeRequest(hosts: readonly string[], privateKey: string): Buffer {
  const key = createPrivateKey(privateKey);
  const names = sequence(SUBJECT_ALT_NAME, octets(sequence(...hosts.map(hostName))));
  const attribute = sequence(oid('1.2.840.113549.1.9.14'), set(sequence(names)));
  const body = sequence(
    integer(Buffer.from([0])),
    sequence(),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    encodeDer(context(0), attribute),
  );
  return sequence(body, ECDSA_SHA256, bits(sign('sha256', body, key)));
}

/** A new key (P-256), PEM. */
export function newPrivateKey(): string {
  return newKey().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

interface Content {
  readonly subject: Buffer;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: Buffer;
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Signer {
  readonly name: Buffer;
  readonly key: KeyObject;
  /** The key identifier in the certificates that it signs. */
  readonly keyId: Buffer;
  readonly algorithm: Buffer;
}

function newKey(): Keys {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function signed(content: Content, { publicKey, privateKey }: Keys, signer: Signer): IssuedCertificate {
  const body = bodyOf(content, publicKey, signer);
  const der = sequence(body, signer.algorithm, bits(sign('sha256', body, signer.key)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function bodyOf({ subject, notBefore, notAfter, extensions }: Content, publicKey: KeyObject, { name, algorithm }: Signer): Buffer {
  const serial = randomBytes(16);
  // The first bits make the number positive and of full length.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return sequence(
    encodeDer(context(0), integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    name,
    sequence(time(new Date(notBefore)), time(new Date(notAfter))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    encodeDer(context(3), extensions),
  );
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), text(commonName.slice(0, MAX_COMMON_NAME)))));
}

const CRITICAL = boolean(true);
const BASIC_CONSTRAINTS = oid('2.5.29.19');
const KEY_USAGE = oid('2.5.29.15');
const SUBJECT_ALT_NAME = oid('2.5.29.17');
const SUBJECT_KEY_ID = oid('2.5.29.14');
const AUTHORITY_KEY_ID = oid('2.5.29.35');
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** The extensions of a CA without intermediate CAs: keyCertSign and cRLSign. */
function ofAuthority(keyId: Buffer): Buffer {
  return sequence(
    sequence(BASIC_CONSTRAINTS, CRITICAL, octets(sequence(boolean(true), integer(Buffer.from([0]))))),
    sequence(KEY_USAGE, CRITICAL, octets(bits(Buffer.from([0x06]), 1))),
    sequence(SUBJECT_KEY_ID, octets(octets(keyId))),
  );
}

function ofHolder(holder: CertificateHolder, signer: Signer): Buffer {
  // Servers also connect to each other.
  const usages = holder.kind === 'client' ? [CLIENT_AUTH] : [SERVER_AUTH, CLIENT_AUTH];
  const name = holder.kind === 'client' ? encodeDer(0x86, Buffer.from(holder.uri, 'ascii')) : hostName(holder.host);
  return sequence(
    sequence(BASIC_CONSTRAINTS, CRITICAL, octets(sequence())),
    // Only digitalSignature.
    sequence(KEY_USAGE, CRITICAL, octets(bits(Buffer.from([0x80]), 7))),
    sequence(oid('2.5.29.37'), octets(sequence(...usages.map(oid)))),
    sequence(SUBJECT_ALT_NAME, octets(sequence(name))),
    sequence(AUTHORITY_KEY_ID, octets(sequence(encodeDer(0x80, signer.keyId)))),
  );
}

function hostName(host: string): Buffer {
  return encodeDer(0x82, Buffer.from(host, 'ascii'));
}

/** RFC 7093, section 2, method 1: the hash of the bits of the key, without the algorithm. */
function derivedKeyId(publicKey: KeyObject): Buffer {
  const key = bitsOf(sequenceOf(readDer(publicKey.export({ type: 'spki', format: 'der' })))?.[1]);
  if (key === null) throw new Error('the public key has no bits');
  return createHash('sha256').update(key).digest().subarray(0, 20);
}

/** The key identifier in the certificate: a check of a chain compares it with that of the issued certificates. */
function keyIdOf({ extensions }: CertificateFields, publicKey: KeyObject): Buffer {
  const own = readDer(extensions.get(oidOf(readDer(SUBJECT_KEY_ID))) ?? Buffer.alloc(0));
  return own === null ? derivedKeyId(publicKey) : own.value;
}
