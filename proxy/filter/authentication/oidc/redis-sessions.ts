// Sessions in Redis: the browser has a random name, the entry is sealed. All proxies know at once that a session has ended.
//
// The key of an entry is the digest of the name, so that names cannot be read there; an entry opens under its own key only.
import { nowSeconds } from '#lib/openid/values.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { cookieValue } from '../../../exchange/cookies.ts';
import type { SharedEntries } from '../../../exchange/shared-entries.ts';
import type { ProviderLogout } from './logout-token.ts';
import type { Sealer } from './sealer.ts';
import { digestOf, entryOf, readSession, type OidcSession } from './session.ts';
import { clearCookie, cookiesOf, living, type Found, type Kept, type SessionStore, type Visitor } from './session-store.ts';
import type { Terms } from './settings.ts';

const NAME = /^[\w-]{43}$/;
/** A refresh that takes longer, or fails, may be tried again after this time. */
const CLAIM_SECONDS = 5;

export class RedisSessions implements SessionStore {
  readonly #entries: SharedEntries;
  readonly #client: string;
  readonly #prefix: string;
  readonly #idle: number | null;

  constructor({ id, idleSeconds }: Pick<Terms, 'id' | 'idleSeconds'>, entries: SharedEntries) {
    this.#entries = entries;
    this.#client = id;
    this.#prefix = `weir:oidc:${id}`;
    this.#idle = idleSeconds;
  }

  async find(visitor: Visitor): Promise<Found> {
    const name = nameIn(visitor);
    return name === null ? ok(null) : this.#read(name, visitor.sealer, this.#idle);
  }

  async begin(visitor: Visitor, session: OidcSession): Promise<Kept> {
    const former = nameIn(visitor);
    const removed = former === null ? ok(null) : await this.#entries.remove([this.#keyOf(former)]);
    if (!removed.ok) return unavailable(removed.error);
    // A session that a logout would not find must not begin.
    const listed = await this.#list(session);
    const written = listed.ok ? await this.#write(visitor.sealer, session) : listed;
    if (!written.ok) return unavailable(written.error);
    return ok(cookiesOf(visitor, [[visitor.site.cookie, session.id]], session.endsAt - nowSeconds()));
  }

  /** One proxy of all refreshes the tokens; the others go on with those that they have. */
  async claim(visitor: Visitor, { id }: OidcSession): Promise<Found> {
    const claimed = await this.#entries.write(this.#claimOf(id), '', CLAIM_SECONDS, 'absent');
    if (!claimed.ok) return unavailable(claimed.error);
    return claimed.value ? this.#read(id, visitor.sealer, null) : ok(null);
  }

  async renew(visitor: Visitor, session: OidcSession): Promise<Result<boolean>> {
    const written = await this.#write(visitor.sealer, session, 'present');
    if (written.ok) await this.#entries.remove([this.#claimOf(session.id)]);
    return written;
  }

  /** The name stays. */
  renewed(): Kept {
    return ok([]);
  }

  async forget(visitor: Visitor): Promise<Kept> {
    const name = nameIn(visitor);
    const removed = name === null ? ok(null) : await this.#entries.remove([this.#keyOf(name)]);
    return removed.ok ? ok(clearCookie(visitor)) : unavailable(removed.error);
  }

  /**
   * Ends the sessions that belong to a session at the provider, or all of a subject. Resolves to their entries, or to null: a token has an
   * effect once.
   */
  async end({ id, sid, subject, until }: ProviderLogout): Promise<Result<readonly string[] | null>> {
    const used = `${this.#prefix}:logout:${digestOf(id)}`;
    const first = await this.#entries.write(used, '', Math.max(1, until - nowSeconds()), 'absent');
    if (!first.ok) return unavailable(first.error);
    if (!first.value) return ok(null);
    const found = await this.#entries.members(sid === '' ? this.#setOf('subject', subject) : this.#setOf('sid', sid));
    const removed = found.ok ? await this.#removeAll(found.value) : found;
    if (removed.ok) return removed;
    // The provider may send the token again.
    await this.#entries.remove([used]);
    return unavailable(removed.error);
  }

  async #removeAll(entries: readonly string[]): Promise<Result<readonly string[]>> {
    const removed = await this.#entries.remove(entries);
    return removed.ok ? ok(entries) : removed;
  }

  /** For logouts that the provider asks for. */
  async #list({ id, sid, subject, endsAt }: OidcSession): Promise<Result<null>> {
    const joined = await this.#entries.join(this.#setOf('subject', subject), this.#keyOf(id), endsAt);
    return sid === '' || !joined.ok ? joined : this.#entries.join(this.#setOf('sid', sid), this.#keyOf(id), endsAt);
  }

  async #read(name: string, sealer: Sealer, renew: number | null): Promise<Found> {
    const key = this.#keyOf(name);
    const read = await this.#entries.read(key, renew);
    if (!read.ok) return unavailable(read.error);
    const text = read.value === null ? null : sealer.open(read.value, key);
    return ok(text === null ? null : living(readSession(text)));
  }

  #write(sealer: Sealer, session: OidcSession, only?: 'present'): Promise<Result<boolean>> {
    const key = this.#keyOf(session.id);
    const remaining = Math.max(1, session.endsAt - nowSeconds());
    return this.#entries.write(key, sealer.seal(JSON.stringify(session), key), Math.min(remaining, this.#idle ?? remaining), only);
  }

  #claimOf(name: string): string {
    return `${this.#keyOf(name)}:refresh`;
  }

  #keyOf(name: string): string {
    return entryOf(this.#client, name);
  }

  #setOf(kind: 'subject' | 'sid', name: string): string {
    return `${this.#prefix}:${kind}:${digestOf(name)}`;
  }
}

/** The name in the cookie, or null if it has another form. */
function nameIn({ site, headers }: Visitor): string | null {
  const name = cookieValue(headers, site.cookie) ?? '';
  return NAME.test(name) ? name : null;
}

function unavailable(reason: string): Result<never> {
  return err(`the sessions are not available: ${reason}`);
}
