// Maps the server name of a handshake to its handling: first to the listener that owns the name, as the matcher does for requests, then to
// that listener's certificate with the name.
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
  /** Keys of the served listeners with the host name; empty: connections are refused. */
  readonly listeners: readonly string[];
  /** The identity to terminate TLS with; null for TLS that is passed through, or without a usable certificate. */
  readonly identity: Identity | null;
}

/** Listeners with the same host name, and their identities. */
interface Host {
  readonly use: TlsUse;
  readonly listeners: readonly string[];
  /** By name in the certificates: exact, or `*.suffix`. */
  readonly byName: ReadonlyMap<string, Identity>;
  /** The identity for other names: the first one. Null without a usable certificate. */
  readonly fallback: Identity | null;
}

type Certificates = readonly [Certificate, ...Certificate[]];

/** Creates the identity with these certificates. */
type Identify = (certificates: Certificates) => Result<Identity>;

/** The resources that listeners refer to, by key. */
export interface KeyMaterial {
  readonly secrets: ReadonlyMap<string, ir.Secret>;
  readonly bundles: TrustBundles;
}

export class SniTable {
  /** By host name of the listener. */
  readonly #hosts: ReadonlyMap<string, Host>;
  /** Whether one of the listeners has HTTP inside TLS. */
  readonly servesRequests: boolean;

  private constructor(hosts: ReadonlyMap<string, Host>) {
    this.#hosts = hosts;
    this.servesRequests = [...hosts.values()].some(({ use, listeners }) => use === 'requests' && listeners.length > 0);
  }

  static readonly EMPTY = new SniTable(new Map());

  /** The table for the listeners of one port. Listeners without certificates also own their names: no other listener gets them. */
  static build(
    { served, unserved }: { readonly served: readonly ir.Listener[]; readonly unserved: readonly ir.Listener[] },
    material: KeyMaterial,
    identities: Identities,
  ): { readonly table: SniTable; readonly problems: readonly ListenerProblem[] } {
    const problems: ListenerProblem[] = [];
    const hosts = new Map(unserved.map((listener) => [listener.hostname, unservedHost(listener)]));
    for (const [hostname, own] of Map.groupBy(served, (listener) => listener.hostname)) {
      const agreed = own.map((listener) => termsOf(listener, material.bundles));
      // Listeners with one host name have the same terms (protocol.ts ensures it), so any of them has those of all.
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

  /** Certificates that need OCSP answers. */
  get stapled(): readonly Certificate[] {
    const identities = [...this.#hosts.values()].flatMap(({ byName, fallback }) => [
      ...byName.values(),
      ...(fallback === null ? [] : [fallback]),
    ]);
    return identities.flatMap((identity) => identity.stapled);
  }

  /** The owner of a name ('' if absent), or null if no listener owns it. */
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

/** The usable certificates of a listener, and a problem for each of the others. */
function usable(
  listener: ir.Listener,
  secrets: ReadonlyMap<string, ir.Secret>,
  identify: Identify,
  problems: ListenerProblem[],
): Certificate[] {
  const found: Certificate[] = [];
  // The controller already reports Secrets without a pair, and listeners without any other (runtime/pairs.ts).
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

/** One certificate per kind of key; the first in the user's order wins. */
function identityFor([first, ...rest]: Certificates, identify: Identify): Identity | null {
  const chosen: [Certificate, ...Certificate[]] = [first];
  for (const certificate of rest) {
    if (!chosen.some(({ keyType }) => keyType === certificate.keyType)) chosen.push(certificate);
  }
  const identity = identify(chosen);
  return identity.ok ? identity.value : null;
}
