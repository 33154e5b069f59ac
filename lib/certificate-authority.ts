// Issues certificates for TLS clients and servers (RFC 5280), signed by a CA whose key is at hand, and makes such a CA.
import { X509Certificate, createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
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

/** The one name of a certificate: a client has a URI (as in SPIFFE), a server the host name that clients connect to. */
export type CertificateHolder = { readonly kind: 'client'; readonly uri: string } | { readonly kind: 'server'; readonly host: string };

/** How long a certificate is good, in milliseconds from `now`, milliseconds since the epoch. */
export interface Validity {
  readonly now: number;
  readonly lifetime: number;
}

/** Whom a certificate is for. */
export interface CertificateRequest extends Validity {
  /** The common name; 64 characters at most are kept. */
  readonly commonName: string;
  readonly holder: CertificateHolder;
}

/** PEM. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

const MAX_COMMON_NAME = 64;
/** Clocks differ: certificates begin so long before they are made, milliseconds. */
const SKEW = 3_600_000;
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const RSA_SHA256 = sequence(oid('1.2.840.113549.1.1.11'), encodeDer(TAG.null));

export class CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  /** PEM of every CA whose certificates count: this one, and others while one takes over from the other. */
  readonly bundle: string;
  /** When its own certificate ends, milliseconds since the epoch. */
  readonly notAfter: number;
  readonly #own: X509Certificate;
  readonly #key: KeyObject;
  readonly #algorithm: Buffer;
  readonly #name: Buffer;
  readonly #keyId: Buffer;

  /** All PEM. Throws when the key is not that of the certificate, the certificate not that of a CA, or the key neither RSA nor EC. */
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
    // Byte by byte: a certificate's issuer must equal it.
    this.#name = fields.subject.raw;
    this.#keyId = keyIdOf(fields, own.publicKey);
  }

  /** A new key (P-256) and its certificate, which ends with that of the CA at the latest. */
  issue({ commonName, holder, now, lifetime }: CertificateRequest): IssuedCertificate {
    const signer = { name: this.#name, key: this.#key, keyId: this.#keyId, algorithm: this.#algorithm };
    const notAfter = Math.min(now + lifetime, this.notAfter);
    return signed({ subject: nameOf(commonName), notBefore: now - SKEW, notAfter, extensions: ofHolder(holder, signer) }, newKey(), signer);
  }

  /**
   * Whether a certificate (PEM, or anything) is this CA's for the holder, and good until then, milliseconds since the epoch, or for as long
   * as the CA is.
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

/** A CA that has signed itself: its certificate and key (P-256). CAs of one bundle need different names. */
export function makeAuthority(commonName: string, { now, lifetime }: Validity): IssuedCertificate {
  const keys = newKey();
  const subject = nameOf(commonName);
  const keyId = derivedKeyId(keys.publicKey);
  const content = { subject, notBefore: now - SKEW, notAfter: now + lifetime, extensions: ofAuthority(keyId) };
  return signed(content, keys, { name: subject, key: keys.privateKey, keyId, algorithm: ECDSA_SHA256 });
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
  /** By which certificates that it signs name its key. */
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
  // Neither negative nor with zeroes in front.
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
const SUBJECT_KEY_ID = oid('2.5.29.14');
const AUTHORITY_KEY_ID = oid('2.5.29.35');
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** A CA below which there is none; keyCertSign and cRLSign. */
function ofAuthority(keyId: Buffer): Buffer {
  return sequence(
    sequence(BASIC_CONSTRAINTS, CRITICAL, octets(sequence(boolean(true), integer(Buffer.from([0]))))),
    sequence(KEY_USAGE, CRITICAL, octets(bits(Buffer.from([0x06]), 1))),
    sequence(SUBJECT_KEY_ID, octets(octets(keyId))),
  );
}

function ofHolder(holder: CertificateHolder, signer: Signer): Buffer {
  // Servers call each other.
  const usages = holder.kind === 'client' ? [CLIENT_AUTH] : [SERVER_AUTH, CLIENT_AUTH];
  const name = holder.kind === 'client' ? encodeDer(0x86, Buffer.from(holder.uri, 'ascii')) : hostName(holder.host);
  return sequence(
    sequence(BASIC_CONSTRAINTS, CRITICAL, octets(sequence())),
    // digitalSignature alone.
    sequence(KEY_USAGE, CRITICAL, octets(bits(Buffer.from([0x80]), 7))),
    sequence(oid('2.5.29.37'), octets(sequence(...usages.map(oid)))),
    sequence(oid('2.5.29.17'), octets(sequence(name))),
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
