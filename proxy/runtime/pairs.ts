// The certificate pairs of listeners: a TLS listener without a usable pair is not served and keeps its host name.
import { createSecureContext } from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { certificateOf } from '../listener/certificate.ts';

/** The reason why the Secret (key) has no pair; null if it has one, or the Secret is unknown. */
export type LackOf = (key: string) => string | null;

/** The problems of the existing Secrets, by key. */
export function lackIn(secrets: ReadonlyMap<string, ir.Secret>): LackOf {
  return (key) => {
    const secret = secrets.get(key);
    return secret === undefined ? null : lackOf(secret);
  };
}

/** The reason why a Secret has no pair; null if it has one. */
export function lackOf({ certificate, problem }: ir.Secret): string | null {
  return certificate === '' ? (problem ?? 'holds no pair') : null;
}

/** The effect of a change. `decides`: the Secret may have gained or lost its pair. */
export type PairChange =
  | { readonly type: 'same' }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'changed'; readonly decides: boolean };

/** The Secrets of a worker. */
export class Pairs {
  readonly #all = new Map<string, ir.Secret>();

  /** By key. */
  get all(): ReadonlyMap<string, ir.Secret> {
    return this.#all;
  }

  /** An unchanged pair is left alone, with everything derived from it. A pair that does not load replaces nothing. */
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

/** The reason why the pair of a Secret cannot be used here; null if it can, or if there is none. */
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

/** Whether both have the same pair, or lack one for the same reason. */
function isSamePair(a: ir.Secret, b: ir.Secret): boolean {
  return a.certificate === b.certificate && a.privateKey === b.privateKey && lackOf(a) === lackOf(b);
}

/** The listener in the form that these pairs allow. */
export function withPairs(listener: ir.Listener, lacks: LackOf): ir.Listener {
  const { tls, unserved } = listener;
  if (unserved !== undefined || tls?.mode !== 'Terminate' || tls.certificates.length === 0) return listener;
  const found = tls.certificates.map((key) => [key, lacks(key)] as const);
  if (found.some(([, lack]) => lack === null)) return listener;
  return { ...listener, unserved: found.map(([key, lack]) => `Secret/${key} ${lack}`).join('; ') };
}
