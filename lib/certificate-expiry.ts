// The expiry of certificates.
import { X509Certificate } from 'node:crypto';
import type { MetricFamily, Sample } from './metric.ts';

/** The expiry of the first certificate in a PEM text, milliseconds since the epoch; null if none can be read. */
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

/** The maximum number of certificates with their own series. The other certificates share one, with the earliest expiry of them. */
const MAX_SERIES = 1_000;

/** The expiry of certificates as a metric. `read`: milliseconds since the epoch by Secret (`<namespace>/<name>`). */
export function expiryFamily(read: () => Iterable<readonly [string, number]>): MetricFamily {
  return {
    name: 'weir_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificates in use expire, by Secret',
    aggregator: 'min',
    read: () => expirySamples([...read()].sort(([, one], [, other]) => one - other)),
  };
}

/** Sorted by expiry, the earliest first. */
function expirySamples(expiries: readonly (readonly [string, number])[]): readonly Sample[] {
  const sampleOf = (secret: string, expiry: number): Sample => ({ labels: { secret }, value: expiry / 1_000 });
  const samples = expiries.slice(0, MAX_SERIES).map(([secret, expiry]) => sampleOf(secret, expiry));
  const next = expiries[MAX_SERIES];
  return next === undefined ? samples : [...samples, sampleOf('other', next[1])];
}
