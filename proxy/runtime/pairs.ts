// The pairs of listeners: a listener that terminates TLS and has no pair that could be shown is not served, and keeps its host name.
import { createSecureContext } from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { certificateOf } from '../listener/certificate.ts';

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

/** What became of a change. `decides`: whether there is a pair at all may be another matter now. */
export type PairChange =
  | { readonly type: 'same' }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'changed'; readonly decides: boolean };

/** The Secrets that a worker has. */
export class Pairs {
  readonly #all = new Map<string, ir.Secret>();

  /** By key. */
  get all(): ReadonlyMap<string, ir.Secret> {
    return this.#all;
  }

  /** One with the pair that it had is left alone, and what was made of it with it. One that does not load takes no other's place. */
  take(secret: ir.Secret): PairChange {
    const before = this.#all.get(secret.key);
    if (before !== undefined && isSamePair(before, secret)) return { type: 'same' };
    const wasUsable = before !== undefined && lackOf(before) === null;
    const reason = wasUsable ? problemOf(secret) : null;
    if (reason !== null) return { type: 'refused', reason };
    this.#all.set(secret.key, secret);
    return { type: 'changed', decides: lackOf(secret) !== null || (before !== undefined && !wasUsable) };
  }

  remove(key: string): PairChange {
    const before = this.#all.get(key);
    this.#all.delete(key);
    return { type: 'changed', decides: before !== undefined && lackOf(before) !== null };
  }
}

/** Why the pair of a Secret cannot be used here; null when it can, or when there is none. */
function problemOf(secret: ir.Secret): string | null {
  if (secret.certificate === '') return null;
  const certificate = certificateOf(secret);
  if (!certificate.ok) return certificate.error;
  try {
    createSecureContext({ cert: secret.certificate, key: secret.privateKey });
    return null;
  } catch {
    return 'OpenSSL refuses the certificate or its key';
  }
}

/** Whether both hold the same pair, or lack one for the same reason. */
function isSamePair(a: ir.Secret, b: ir.Secret): boolean {
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
