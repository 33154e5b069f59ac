// The metrics and dumps of the certificate pairs of a proxy, without key material.
import type * as ir from '#api/ir/ir.ts';
import { expiryOf } from '#lib/certificate-expiry.ts';

/** A Secret without its content. */
export interface DescribedSecret {
  readonly key: string;
  /** The problem of the pair in the cluster's Secret. */
  readonly problem: string | null;
  /** The expiry of the certificate in use, RFC 3339; null if there is none. */
  readonly expires: string | null;
}

/** The Secrets among the resources. */
export function describeSecrets(resources: readonly ir.Resource[]): readonly DescribedSecret[] {
  return secretsAmong(resources).map((secret) => {
    const expiry = expiryOfSecret(secret);
    return { key: secret.key, problem: secret.problem ?? null, expires: expiry === null ? null : new Date(expiry).toISOString() };
  });
}

/**
 * The number of Secrets with a problem or an expired certificate, and the expiry of certificates, milliseconds since the epoch by Secret.
 */
export function countPairs(resources: readonly ir.Resource[]): {
  readonly problems: number;
  readonly expiries: ReadonlyMap<string, number>;
} {
  const secrets = secretsAmong(resources);
  const now = Date.now();
  return {
    problems: secrets.filter((secret) => secret.problem !== undefined || (expiryOfSecret(secret) ?? now) < now).length,
    expiries: new Map(secrets.flatMap((secret) => entryOf(secret.key, expiryOfSecret(secret)))),
  };
}

function entryOf(key: string, expiry: number | null): readonly (readonly [string, number])[] {
  return expiry === null ? [] : [[key, expiry]];
}

function secretsAmong(resources: readonly ir.Resource[]): readonly ir.Secret[] {
  return resources.filter((resource) => resource.kind === 'Secret');
}

const expiries = new WeakMap<ir.Secret, number | null>();

/** Each certificate is parsed once. */
function expiryOfSecret(secret: ir.Secret): number | null {
  let expiry = expiries.get(secret);
  if (expiry === undefined) expiries.set(secret, (expiry = expiryOf(secret.certificate)));
  return expiry;
}
