// The credentials of the consumers of one namespace, by the identity that they prove.
import { hash } from 'node:crypto';
import { identityOf, jwtIdentity } from '#api/ir/ir.ts';
import type * as ir from '#api/ir/ir.ts';
import type { CertificateNames } from '#lib/certificate-names.ts';
import { Memo } from '#lib/memo.ts';
import type { Consumer, ConsumerRefusal, ConsumersOf, FoundConsumer } from '../exchange/consumers.ts';

/** A credential of a consumer. Times are in milliseconds since the epoch. */
export interface Entry {
  readonly consumer: Consumer;
  readonly credential: ir.ConsumerCredential;
  readonly identity: string;
  /** As in FoundConsumer. */
  readonly value: string;
  readonly disabled: boolean;
  readonly notBefore: number;
  readonly expires: number;
  /** What filters learn while it is valid: always the same object. */
  readonly whileValid: FoundConsumer;
}

/** The keys of requests whose digests a namespace remembers. */
const REMEMBERED_KEYS = { entries: 5_000, characters: 500_000 };

/** The entries of a consumer; none for credentials whose value is not known. */
export function entriesOf(resource: ir.Consumer): readonly Entry[] {
  const { key, groups, plan, disabled, expires = Infinity, credentials } = resource;
  const slash = key.indexOf('/');
  const consumer = Object.freeze({ namespace: key.slice(0, slash), name: key.slice(slash + 1), groups, plan });
  return credentials.flatMap((credential): Entry[] => {
    const value = valueOf(credential);
    if (value === null) return [];
    const end = Math.min(expires, credential.expires ?? Infinity);
    const identity = identityOf(credential);
    const notBefore = credential.notBefore ?? -Infinity;
    const entry = { consumer, credential, identity, value, disabled, notBefore, expires: end };
    return [Object.assign(entry, { whileValid: { consumer, refusal: null, value, credential: entry } })];
  });
}

/** The value to verify with; null if the controller could not read it. */
function valueOf(credential: ir.ConsumerCredential): string | null {
  switch (credential.type) {
    case 'ApiKey':
      return credential.digest === '' ? null : '';
    case 'Basic':
      return credential.hash || null;
    case 'Hmac':
      return credential.secret || null;
    case 'PublicKey':
      return credential.pem;
    case 'Jwt':
    case 'Certificate':
      return '';
  }
}

/** What a filter learns of an entry at this time. */
export function foundOf(entry: Entry, now: number): FoundConsumer {
  const refusal = refusalOf(entry, now);
  return refusal === null ? entry.whileValid : { ...entry.whileValid, refusal };
}

/** Why an entry is refused at this time; null if it is valid. */
export function refusalOf({ disabled, notBefore, expires }: Entry, now: number): ConsumerRefusal | null {
  if (disabled) return 'disabled';
  if (now >= expires) return 'expired';
  return now < notBefore ? 'not yet valid' : null;
}

/** The consumers of a namespace. */
export class ConsumerEntries implements ConsumersOf {
  readonly #now: () => number;
  readonly #entries = new Map<string, readonly Entry[]>();
  /** By the keys of requests; unknown ones are not remembered. */
  readonly #byApiKey = new Memo<readonly Entry[]>(REMEMBERED_KEYS);
  /** By issuer: the claims that name consumers, with the number of credentials. */
  readonly #claims = new Map<string, Map<string, number>>();

  /** `now`: milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(entry: Entry): void {
    this.#byApiKey.clear();
    this.#entries.set(entry.identity, [...(this.#entries.get(entry.identity) ?? []), entry]);
    if (entry.credential.type === 'Jwt') this.#countClaim(entry.credential, 1);
  }

  remove(entry: Entry): void {
    this.#byApiKey.clear();
    const left = (this.#entries.get(entry.identity) ?? []).filter((other) => other !== entry);
    if (left.length === 0) this.#entries.delete(entry.identity);
    else this.#entries.set(entry.identity, left);
    if (entry.credential.type === 'Jwt') this.#countClaim(entry.credential, -1);
  }

  /** The table has digests, and the memory of keys is searched by their hashes: the time of a lookup tells nothing about a key. */
  byApiKey(key: string): FoundConsumer | null {
    let entries = this.#byApiKey.get(key);
    if (entries === undefined) {
      entries = this.#entries.get(`ApiKey ${hash('sha256', key)}`);
      if (entries === undefined) return null;
      this.#byApiKey.set(key, entries);
    }
    return this.#bestOf(entries);
  }

  byUserName(name: string): readonly FoundConsumer[] {
    return this.#findAll(`Basic ${name}`);
  }

  byHmacKey(keyId: string): readonly FoundConsumer[] {
    return this.#findAll(`Hmac ${keyId}`);
  }

  byPublicKey(keyId: string): readonly FoundConsumer[] {
    return this.#findAll(`PublicKey ${keyId}`);
  }

  byToken(issuer: string, claims: Readonly<Record<string, unknown>>): FoundConsumer | null {
    for (const claim of this.#claims.get(issuer)?.keys() ?? []) {
      const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
      if (typeof value !== 'string' && typeof value !== 'number') continue;
      const found = this.#find(jwtIdentity(issuer, claim, String(value)));
      if (found !== null) return found;
    }
    return null;
  }

  byCertificate({ fingerprint, uris, dnsNames, subject }: CertificateNames): FoundConsumer | null {
    const names = [`fingerprint ${fingerprint}`, ...uris.map((uri) => `uri ${uri}`), ...dnsNames.map((name) => `dnsName ${name}`)];
    for (const name of [...names, `subject ${subject}`]) {
      const found = this.#find(`Certificate ${name}`);
      if (found !== null) return found;
    }
    return null;
  }

  #find(identity: string): FoundConsumer | null {
    const entries = this.#entries.get(identity);
    return entries === undefined ? null : this.#bestOf(entries);
  }

  /** A valid entry, or else one that is refused. */
  #bestOf(entries: readonly Entry[]): FoundConsumer | null {
    const now = this.#now();
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry;
      if (refusalOf(entry, now) === null) return entry.whileValid;
    }
    const [first] = entries;
    return first === undefined ? null : foundOf(first, now);
  }

  #findAll(identity: string): readonly FoundConsumer[] {
    const now = this.#now();
    const found = (this.#entries.get(identity) ?? []).map((entry) => foundOf(entry, now));
    return found.toSorted((a, b) => Number(a.refusal !== null) - Number(b.refusal !== null));
  }

  #countClaim({ issuer, claim }: { readonly issuer: string; readonly claim: string }, change: number): void {
    const claims = this.#claims.get(issuer) ?? new Map<string, number>();
    const count = (claims.get(claim) ?? 0) + change;
    if (count > 0) claims.set(claim, count);
    else claims.delete(claim);
    if (claims.size > 0) this.#claims.set(issuer, claims);
    else this.#claims.delete(issuer);
  }
}
