// Checks a pair of certificate and key as a proxy does. Problems come with a remedy.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { err, ok, type Result } from '#lib/result.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const BEGIN_CERTIFICATE = '-----BEGIN CERTIFICATE-----';
const SWAPPED = 'holds the private key in tls.crt and the certificate in tls.key; swap them';
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;
/** Key types that proxies can use for handshakes. */
const MIN_RSA_BITS = 2_048;
const KEY_TYPES: ReadonlySet<string> = new Set(['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448']);

/** Why a pair cannot be served, as a phrase after the name of its Secret; null if it can. Both arguments are PEM. */
export function pairProblem(certificate: string, privateKey: string): string | null {
  if (PRIVATE_KEY.test(certificate) && privateKey.includes(BEGIN_CERTIFICATE)) return SWAPPED;
  const chain = readChain(certificate);
  if (!chain.ok) return chain.error;
  const key = readKey(privateKey);
  if (!key.ok) return key.error;
  return mismatch(chain.value, key.value) ?? whyNotLoaded(certificate, privateKey);
}

/** A problem of a pair that is served anyway at this time (milliseconds since the epoch); null if there is none. */
export function pairRemark(certificate: string, now: number): string | null {
  const chain = readChain(certificate);
  const [first, ...others] = chain.ok ? chain.value : [];
  if (first === undefined) return null;
  if (first.validFromDate.getTime() > now) return `holds a certificate that is not valid before ${first.validFromDate.toISOString()}`;
  const stranger = others.findIndex((issuer, i) => ![first, ...others][i]?.checkIssued(issuer));
  if (stranger === -1) return null;
  return `holds a chain in the wrong order: certificate ${stranger + 2} of tls.crt did not issue certificate ${stranger + 1}; some clients refuse it`;
}

function readChain(pem: string): Result<readonly X509Certificate[]> {
  const found = pem.match(CERTIFICATE) ?? [];
  if (found.length === 0) return err(whyNoCertificate(pem));
  try {
    return ok(found.map((one) => new X509Certificate(one)));
  } catch {
    return err('holds a certificate in tls.crt that cannot be read: it is cut off, or was changed');
  }
}

function whyNoCertificate(text: string): string {
  if (text.includes(BEGIN_CERTIFICATE)) return 'holds a certificate in tls.crt that is cut off: its END line is missing';
  return `holds no PEM certificate in tls.crt${describeText(text)}`;
}

function readKey(pem: string): Result<KeyObject> {
  if (ENCRYPTED.test(pem))
    return err('holds a private key in tls.key that is encrypted; decrypt it with `openssl pkey -in KEY -out PLAIN`');
  if (!PRIVATE_KEY.test(pem)) return err(`holds no PEM private key in tls.key${describeText(pem)}`);
  try {
    const key = createPrivateKey(pem);
    const type = key.asymmetricKeyType ?? 'unknown';
    if (!KEY_TYPES.has(type)) return err(`holds a private key in tls.key of type ${type}, which TLS cannot use; use RSA, EC or Ed25519`);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
    return bits < MIN_RSA_BITS ? err(`holds an RSA key of ${bits} bits in tls.key; TLS wants ${MIN_RSA_BITS} or more`) : ok(key);
  } catch {
    return err('holds a private key in tls.key that cannot be read: it is cut off, or was changed');
  }
}

/** A phrase about the content of a text without the expected PEM; '' if it is unknown. */
function describeText(text: string): string {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (label !== undefined) return `, but ${/^[AEIOU]/.test(label) ? 'an' : 'a'} ${label}`;
  if (Buffer.from(text, 'base64').toString('latin1').includes('-----BEGIN ')) return ', but PEM that was encoded as base64 once too often';
  return text.startsWith('0\ufffd') || text.startsWith('0\u0082') ? ', but what looks like DER; convert it to PEM with openssl' : '';
}

function mismatch(chain: readonly X509Certificate[], key: KeyObject): string | null {
  const owner = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (owner === 0) return null;
  if (owner > 0) {
    const order = `the certificate of the key is number ${owner + 1} of ${chain.length} and must be the first, its issuer the next`;
    return `holds a chain in the wrong order in tls.crt: ${order}`;
  }
  const subject = chain[0]?.subject.replaceAll('\n', ', ') ?? '';
  const named = subject === '' ? '' : ` (${subject})`;
  return `holds a certificate${named} and a key that do not belong together; put the key that the certificate was issued for into tls.key`;
}

/** Problems that only OpenSSL detects, such as keys that are too short. */
function whyNotLoaded(cert: string, key: string): string | null {
  try {
    createSecureContext({ cert, key });
    return null;
  } catch (error) {
    return `holds a pair that TLS cannot use: ${(error as Error).message.replace(/^error:[0-9A-F]+:/, '').replaceAll('::', ': ')}`;
  }
}
