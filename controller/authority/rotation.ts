// Replaces one CA by the next without a refused proxy: the next CA is trusted long before it signs, the previous one long after.
//
//   signs alone ──a third of its life is left──> the next is announced ──half of that is left──> the next signs, the former is trusted
import { X509Certificate, randomBytes } from 'node:crypto';
import { CertificateAuthority, makeAuthority } from '#lib/certificate-authority.ts';
import type { Validity } from '#lib/certificate-authority.ts';

/** The data of the Secret as text, by key. Empty before the first CA. */
export type AuthorityData = Readonly<Record<string, string>>;

/** Keys of the Secret. `ca.crt` has all trusted CAs, `tls.*` the CA that signs, `next.*` the CA that signs next. */
const KEYS = {
  bundle: 'ca.crt',
  signer: { certificate: 'tls.crt', privateKey: 'tls.key' },
  next: { certificate: 'next.crt', privateKey: 'next.key' },
} as const;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;

/** The signing CA with all trusted CAs. Throws if the data has no usable CA. */
export function authorityOf(data: AuthorityData): CertificateAuthority {
  const { [KEYS.bundle]: bundle = '', [KEYS.signer.certificate]: certificate = '', [KEYS.signer.privateKey]: privateKey = '' } = data;
  if (!bundle.includes(certificate)) throw new Error('the signing CA is not among the trusted CAs in ca.crt');
  return new CertificateAuthority(certificate, privateKey, bundle);
}

/** The data as it should be now; the same object if no step is due. Unusable data is replaced. */
export function advance(data: AuthorityData, validity: Validity): AuthorityData {
  const signer = usable(data);
  if (signer === null) return begin(data, validity);
  const left = signer.notAfter - validity.now;
  const next = data[KEYS.next.certificate] ?? '';
  if (next === '') return left > validity.lifetime / 3 ? data : announce(data, validity);
  // Within a sixth of its lifetime after the announcement, some proxies may not trust it yet.
  return endOf(next) - validity.now > (validity.lifetime * 5) / 6 && left > 0 ? data : promote(data, validity);
}

function usable(data: AuthorityData): CertificateAuthority | null {
  try {
    return authorityOf(data);
  } catch {
    return null;
  }
}

function begin(data: AuthorityData, validity: Validity): AuthorityData {
  const { certificate, privateKey } = make(validity);
  return signing(data, certificate, privateKey, validity);
}

function announce(data: AuthorityData, validity: Validity): AuthorityData {
  const { certificate, privateKey } = make(validity);
  const announced = { [KEYS.next.certificate]: certificate, [KEYS.next.privateKey]: privateKey };
  return { ...data, ...announced, [KEYS.bundle]: trusted(data, certificate, validity) };
}

function promote(data: AuthorityData, validity: Validity): AuthorityData {
  const { [KEYS.next.certificate]: certificate = '', [KEYS.next.privateKey]: privateKey = '' } = data;
  const promoted = signing(data, certificate, privateKey, validity);
  return usable(promoted) === null ? begin(data, validity) : promoted;
}

/** The data with this CA as the signing one. */
function signing(data: AuthorityData, certificate: string, privateKey: string, validity: Validity): AuthorityData {
  return {
    [KEYS.bundle]: trusted(data, certificate, validity),
    [KEYS.signer.certificate]: certificate,
    [KEYS.signer.privateKey]: privateKey,
  };
}

/** Names of CAs differ, so that verifiers find the right one in a bundle. */
function make(validity: Validity): { certificate: string; privateKey: string } {
  return makeAuthority(`weir ${randomBytes(8).toString('hex')}`, validity);
}

/** The bundle with this CA added and expired ones removed. */
function trusted({ [KEYS.bundle]: bundle = '' }: AuthorityData, certificate: string, { now }: Validity): string {
  const kept = (bundle.match(PEM_CERTIFICATE) ?? []).filter((pem) => pem.trim() !== certificate.trim() && endOf(pem) > now);
  return [...kept.map((pem) => `${pem.trim()}\n`), certificate].join('');
}

/** The end of a certificate's validity, milliseconds since the epoch; 0 if the text is no certificate. */
function endOf(pem: string): number {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return 0;
  }
}
