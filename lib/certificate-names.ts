// The names in a client certificate by which its owner is known.
import type { X509Certificate } from 'node:crypto';
import { subjectOf } from './distinguished-name.ts';

/** The names in a certificate. */
export interface CertificateNames {
  /** In the form of lib/distinguished-name.ts. */
  readonly subject: string;
  /** Lower case. */
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  /** SHA-256, lower-case hexadecimal without colons. */
  readonly fingerprint: string;
}

type Certificate = Pick<X509Certificate, 'subject' | 'subjectAltName' | 'fingerprint256'>;

/** Node quotes a name with special characters as JSON, so that no name looks like several. */
const ENTRY = /(?:^|, )([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^,"]*)/gy;

/** Reads the names of a certificate. */
export function certificateNames(certificate: Certificate): CertificateNames {
  const entries = entriesOf(certificate.subjectAltName ?? '');
  const named = (type: string): string[] => entries.filter(([own]) => own === type).map(([, value]) => value);
  return {
    subject: subjectOf(certificate),
    dnsNames: named('DNS').map((name) => name.toLowerCase()),
    uris: named('URI'),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

function entriesOf(text: string): (readonly [type: string, value: string])[] {
  return [...text.matchAll(ENTRY)].map(([, type = '', value = '']) => [type, value.startsWith('"') ? unquoted(value) : value] as const);
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return '';
  }
}
