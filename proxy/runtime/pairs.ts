// The pairs of listeners: a listener that terminates TLS and has no pair that could be shown is not served, and keeps its host name.
import type * as ir from '#api/ir/ir.ts';

/** Why there is no pair of the Secret of a key, in words; null where there is one, or no such Secret is known. */
export type LackOf = (key: string) => string | null;

/** What the Secrets that there are lack, by key. */
export function lackIn(secrets: ReadonlyMap<string, ir.Secret>): LackOf {
  return (key) => {
    const secret = secrets.get(key);
    return secret === undefined ? null : lackOf(secret);
  };
}

/** Why a Secret has no pair; null when it has one. */
export function lackOf({ certificate, problem }: ir.Secret): string | null {
  return certificate === '' ? (problem ?? 'holds no pair') : null;
}

/** Whether both hold the same pair, or lack one for the same reason. */
export function isSamePair(a: ir.Secret, b: ir.Secret): boolean {
  return a.certificate === b.certificate && a.privateKey === b.privateKey && lackOf(a) === lackOf(b);
}

/** The listener as it can be served with these pairs. */
export function withPairs(listener: ir.Listener, lacks: LackOf): ir.Listener {
  const { tls, unserved } = listener;
  if (unserved !== undefined || tls?.mode !== 'Terminate' || tls.certificates.length === 0) return listener;
  const found = tls.certificates.map((key) => [key, lacks(key)] as const);
  if (found.some(([, lack]) => lack === null)) return listener;
  return { ...listener, unserved: found.map(([key, lack]) => `Secret/${key} ${lack}`).join('; ') };
}
