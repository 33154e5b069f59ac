// How one CA takes over from another without a proxy that is refused: the next is trusted long before it signs, the former long after.
//
//   signs alone ──a third of its life is left──> the next is announced ──half of that is left──> the next signs, the former is trusted
import { X509Certificate, randomBytes } from 'node:crypto';
import { CertificateAuthority, makeAuthority } from '#lib/certificate-authority.ts';
import type { Validity } from '#lib/certificate-authority.ts';

/** What a Secret holds about CAs, by key, as text. Empty: nothing yet. */
export type AuthorityData = Readonly<Record<string, string>>;

/** Keys of the Secret. `ca.crt` is every CA that is trusted, `tls.*` the one that signs, `next.*` the one that will. */
const KEYS = {
  bundle: 'ca.crt',
  signer: { certificate: 'tls.crt', privateKey: 'tls.key' },
  next: { certificate: 'next.crt', privateKey: 'next.key' },
} as const;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;

/** The CA that signs, with all that are trusted. Throws when the data holds none that can be used. */
export function authorityOf(data: AuthorityData): CertificateAuthority {
  const { [KEYS.bundle]: bundle = '', [KEYS.signer.certificate]: certificate = '', [KEYS.signer.privateKey]: privateKey = '' } = data;
  if (!bundle.includes(certificate)) throw new Error('the CA that signs is not among those that are trusted');
  return new CertificateAuthority(certificate, privateKey, bundle);
}

/** What the data should be now: the same object when nothing is due. What cannot be used is replaced. */
export function advance(data: AuthorityData, validity: Validity): AuthorityData {
  const signer = usable(data);
  if (signer === null) return begin(data, validity);
  const left = signer.notAfter - validity.now;
  const next = data[KEYS.next.certificate] ?? '';
  if (next === '') return left > validity.lifetime / 3 ? data : announce(data, validity);
  // Announced for less than a sixth of its life, not every proxy need know it yet.
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

/** The data once this CA signs. */
function signing(data: AuthorityData, certificate: string, privateKey: string, validity: Validity): AuthorityData {
  return {
    [KEYS.bundle]: trusted(data, certificate, validity),
    [KEYS.signer.certificate]: certificate,
    [KEYS.signer.privateKey]: privateKey,
  };
}

/** Names differ, so that whoever verifies finds the right one of a bundle. */
function make(validity: Validity): { certificate: string; privateKey: string } {
  return makeAuthority(`weir ${randomBytes(8).toString('hex')}`, validity);
}

/** The bundle with one more, without those that have ended. */
function trusted({ [KEYS.bundle]: bundle = '' }: AuthorityData, certificate: string, { now }: Validity): string {
  const kept = (bundle.match(PEM_CERTIFICATE) ?? []).filter((pem) => pem.trim() !== certificate.trim() && endOf(pem) > now);
  return [...kept.map((pem) => `${pem.trim()}\n`), certificate].join('');
}

/** When a certificate ends, milliseconds since the epoch; 0 for what is none. */
function endOf(pem: string): number {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return 0;
  }
}
