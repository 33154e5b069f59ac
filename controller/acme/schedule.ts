// When a certificate is renewed, and how long to wait after a failed order.
import { X509Certificate } from 'node:crypto';
import { fieldsOfCertificate } from '#lib/certificate-fields.ts';
import { oid, oidOf, readDer, sequenceOf } from '#lib/der.ts';

/** The facts about a certificate in use. Times are milliseconds since the epoch. */
export interface CertificateFacts {
  readonly hosts: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  /** Its name for the server (RFC 9773 section 4.1); '' if it has none. */
  readonly id: string;
}

/** The window in which the server wants a certificate to be renewed (RFC 9773 section 4.2). */
export interface RenewalWindow {
  readonly start: number;
  readonly end: number;
}

/** Reads the first certificate of a chain (PEM); null without a readable one. */
export function factsOf(chain: string): CertificateFacts | null {
  try {
    const certificate = new X509Certificate(chain);
    const hosts = (certificate.subjectAltName ?? '').split(', ').flatMap((name) => /^DNS:(.+)$/.exec(name)?.[1]?.toLowerCase() ?? []);
    const [notBefore, notAfter] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    return { hosts: hosts.sort(), notBefore, notAfter, id: idOf(certificate.raw) };
  } catch {
    return null;
  }
}

const AUTHORITY_KEY_ID = oidOf(readDer(oid('2.5.29.35')));
const KEY_IDENTIFIER = 0x80;

/** The key identifier of the issuer and the serial number. */
function idOf(raw: Buffer): string {
  const fields = fieldsOfCertificate(raw);
  const parts = sequenceOf(readDer(fields?.extensions.get(AUTHORITY_KEY_ID) ?? Buffer.alloc(0))) ?? [];
  const keyId = parts.find(({ tag }) => tag === KEY_IDENTIFIER);
  if (fields === null || keyId === undefined) return '';
  return `${keyId.value.toString('base64url')}.${fields.serialNumber.value.toString('base64url')}`;
}

/** The share of the lifetime after which a certificate is renewed, and the share by which many are spread. */
const RENEW_AFTER = 2 / 3;
const SPREAD = 0.05;

/** A time of renewal without a proposal of the server: never after it is due, and earlier by chance. */
export function ownRenewal({ notBefore, notAfter }: CertificateFacts, renewBefore: number | null, random = Math.random()): number {
  const lifetime = notAfter - notBefore;
  const remaining = renewBefore === null ? lifetime * (1 - RENEW_AFTER) : Math.min(renewBefore, lifetime * RENEW_AFTER);
  return notAfter - remaining * (1 + SPREAD * random);
}

/** A time in the window; one that was chosen before stays if it is inside. */
export function withinWindow({ start, end }: RenewalWindow, chosen: number, random = Math.random()): number {
  return chosen >= start && chosen <= end ? chosen : start + (end - start) * random;
}

/** Reads the answer to a question for renewal information; null if it is none. */
export function windowOf(body: unknown): RenewalWindow | null {
  const { suggestedWindow } = (typeof body === 'object' && body !== null ? body : {}) as {
    suggestedWindow?: Partial<Record<string, unknown>>;
  };
  const [start, end] = [Date.parse(String(suggestedWindow?.['start'])), Date.parse(String(suggestedWindow?.['end']))];
  return start <= end ? { start, end } : null;
}

/** Waits after failed orders, milliseconds: the public authorities allow five failures of a host per hour. */
const FIRST_WAIT_MS = 60_000;
const GROWTH = 4;
const LONGEST_WAIT_MS = 86_400_000;

/** How long to wait after so many failures in a row, at least 1. */
export function waitAfter(failures: number, random = Math.random()): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * GROWTH ** (failures - 1));
  return wait * (0.75 + random / 4);
}
