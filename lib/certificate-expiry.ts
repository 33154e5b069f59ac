// Until when a certificate is valid.
import { X509Certificate } from 'node:crypto';

/** When the first certificate of a PEM text expires, milliseconds since the epoch; null where there is none that can be read. */
export function expiryOf(pem: string): number | null {
  try {
    return new X509Certificate(pem).validToDate.getTime();
  } catch {
    return null;
  }
}

/** Whether the first certificate of a PEM text has expired at a time (milliseconds since the epoch). */
export function hasExpired(pem: string, at: number): boolean {
  const expiry = expiryOf(pem);
  return expiry !== null && expiry < at;
}
