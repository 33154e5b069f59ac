// From the server name of a handshake to what becomes of it: first the listener that owns the name, as the matcher will decide
// for the requests, then among that listener's certificates the one that carries the name.
import type * as ir from '#api/ir/ir.ts';
import { coveringPatterns } from '#api/match/hostname.ts';
import type { Result } from '#lib/result.ts';
import { certificateOf, wildcardOf } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { DEFAULT_TERMS, termsOf } from './handshake-terms.ts';
import type { TrustBundles } from './handshake-terms.ts';
import type { Identities, Identity } from './identity.ts';
import type { ListenerProblem } from './problem.ts';
import { tlsUse } from './protocol.ts';
import type { TlsUse } from './protocol.ts';

/** The owner of a server name. */
export interface SniOwner {
  readonly use: TlsUse;
  /** Keys of the listeners that share the host name and can be served; without any, no connection is let in. */
  readonly listeners: readonly string[];
  /** What to terminate TLS with; null when it is passed through, or no certificate can be used. */
  readonly identity: Identity | null;
}

/** Listeners that share a host name, with their identities. */
interface Host {
  readonly use: TlsUse;
  readonly listeners: readonly string[];
  /** By name on the certificates: exact, or `*.suffix`. */
  readonly byName: ReadonlyMap<string, Identity>;
  /** For names on none of the certificates: that of the first one. Null when no certificate can be used. */
  readonly fallback: Identity | null;
}

type Certificates = readonly [Certificate, ...Certificate[]];

/** Makes the identity with these certificates. */
type Identify = (certificates: Certificates) => Result<Identity>;

/** What listeners refer to, by key. */
export interface KeyMaterial {
  readonly secrets: ReadonlyMap<string, ir.Secret>;
  readonly bundles: TrustBundles;
}

export class SniTable {
  /** By host name of the listener. */
  readonly #hosts: ReadonlyMap<string, Host>;
  /** Whether any of the listeners speaks HTTP inside TLS. */
  readonly servesRequests: boolean;

  private constructor(hosts: ReadonlyMap<string, Host>) {
    this.#hosts = hosts;
    this.servesRequests = [...hosts.values()].some(({ use, listeners }) => use === 'requests' && listeners.length > 0);
  }

  static readonly EMPTY = new SniTable(new Map());

  /** The table for the listeners of one port. Listeners without certificates own their names all the same: no other listener gets them. */
  static build(
    { served, unserved }: { readonly served: readonly ir.Listener[]; readonly unserved: readonly ir.Listener[] },
    material: KeyMaterial,
    identities: Identities,
  ): { readonly table: SniTable; readonly problems: readonly ListenerProblem[] } {
    const problems: ListenerProblem[] = [];
    const hosts = new Map(unserved.map((listener) => [listener.hostname, unservedHost(listener)]));
    for (const [hostname, own] of Map.groupBy(served, (listener) => listener.hostname)) {
      const agreed = own.map((listener) => termsOf(listener, material.bundles));
      // Listeners of one host name agree on the terms (protocol.ts sees to it), so those of any are those of all.
      const terms = agreed[0]?.value ?? null;
      const identify: Identify = (certificates) => identities.of(certificates, terms ?? DEFAULT_TERMS);
      const certificates = own.flatMap((listener) => usable(listener, material.secrets, identify, problems));
      problems.push(...own.filter(hasNone).map(({ key }) => noCertificate(key)), ...agreed.flatMap((each) => each.problems));
      const use = own[0] === undefined ? 'requests' : tlsUse(own[0]);
      const identified = identifyAll(terms === null ? [] : [...new Set(certificates)], identify);
      hosts.set(hostname, { use, listeners: own.map(({ key }) => key), ...identified });
    }
    return { table: new SniTable(hosts), problems };
  }

  /** Certificates to have answers of OCSP responders for. */
  get stapled(): readonly Certificate[] {
    const identities = [...this.#hosts.values()].flatMap(({ byName, fallback }) => [
      ...byName.values(),
      ...(fallback === null ? [] : [fallback]),
    ]);
    return identities.flatMap((identity) => identity.stapled);
  }

  /** The owner of a name ('' when the peer sent none), or null when no listener wants it. */
  find(serverName: string): SniOwner | null {
    for (const pattern of coveringPatterns(serverName)) {
      const host = this.#hosts.get(pattern);
      if (host === undefined) continue;
      const identity = host.byName.get(serverName) ?? host.byName.get(wildcardOf(serverName)) ?? host.fallback;
      return { use: host.use, listeners: host.listeners, identity };
    }
    return null;
  }
}

function unservedHost(listener: ir.Listener): Host {
  return { use: tlsUse(listener), listeners: [], byName: new Map(), fallback: null };
}

/** The certificates of a listener that can be served; a problem for each of the others. */
function usable(
  listener: ir.Listener,
  secrets: ReadonlyMap<string, ir.Secret>,
  identify: Identify,
  problems: ListenerProblem[],
): Certificate[] {
  const found: Certificate[] = [];
  // Of those without a pair the controller has told already, and so has it of a listener with no other (runtime/pairs.ts).
  const keys = listener.tls?.certificates.filter((key) => secrets.get(key)?.certificate !== '') ?? [];
  for (const key of keys) {
    const secret = secrets.get(key);
    const certificate = secret === undefined ? ({ ok: false, error: 'it does not exist' } as const) : certificateOf(secret);
    const identity = certificate.ok ? identify([certificate.value]) : certificate;
    if (certificate.ok && identity.ok) found.push(certificate.value);
    else if (!identity.ok)
      problems.push({ listener: listener.key, reason: 'InvalidCertificate', message: `Secret ${key}: ${identity.error}` });
  }
  return found;
}

function hasNone({ tls }: ir.Listener): boolean {
  return tls === null || (tls.mode === 'Terminate' && tls.certificates.length === 0);
}

function noCertificate(listener: string): ListenerProblem {
  return { listener, reason: 'InvalidCertificate', message: 'the listener has no certificate' };
}

function identifyAll(certificates: readonly Certificate[], identify: Identify): Pick<Host, 'byName' | 'fallback'> {
  const names = new Set(certificates.flatMap((certificate) => certificate.names));
  const byName = new Map<string, Identity>();
  for (const name of names) {
    const identity = identityFor(
      certificates.filter((certificate) => certificate.names.includes(name)) as unknown as Certificates,
      identify,
    );
    if (identity !== null) byName.set(name, identity);
  }
  const [first] = certificates;
  if (first === undefined) return { byName, fallback: null };
  return { byName, fallback: byName.get(first.names[0] ?? '') ?? identityFor([first], identify) };
}

/** One certificate per kind of key; among those of one kind the first wins, as the user listed them. */
function identityFor([first, ...rest]: Certificates, identify: Identify): Identity | null {
  const chosen: [Certificate, ...Certificate[]] = [first];
  for (const certificate of rest) {
    if (!chosen.some(({ keyType }) => keyType === certificate.keyType)) chosen.push(certificate);
  }
  const identity = identify(chosen);
  return identity.ok ? identity.value : null;
}
