// The news about ended sessions among proxies that share Redis. A worker that may have missed some looks the sessions up that it watches.
import type { RedisConnection } from '#lib/redis-connection.ts';
import type { RedisClient } from '#lib/redis.ts';
import type { OpenSessions } from '../exchange/open-sessions.ts';
import type { SharedEntries } from '../exchange/shared-entries.ts';

const CHANNEL = 'weir:oidc:ended';
/** How often the connection is looked at: it is another one after a change of its secrets. */
const LOOK_EVERY_MS = 1_000;

export interface SessionNewsOptions {
  /** Sends; that of the worker. */
  readonly connection: Pick<RedisConnection, 'client'>;
  /** Gets; for the news alone, which close it. */
  readonly subscriber: RedisConnection;
  readonly entries: Pick<SharedEntries, 'read'>;
  readonly sessions: Pick<OpenSessions, 'names' | 'ended'>;
  /** Whether a session is an entry of its name. */
  readonly isEntry: (session: string) => boolean;
}

export class SessionNews {
  readonly #options: SessionNewsOptions;
  readonly #timer = setInterval(() => this.#attach(), LOOK_EVERY_MS).unref();
  #client: RedisClient | null = null;

  constructor(options: SessionNewsOptions) {
    this.#options = options;
    this.#attach();
  }

  /** Tells all proxies. A server that is away costs other proxies a look later. */
  tell(session: string): void {
    this.#options.connection.client?.publish(CHANNEL, session).catch(() => undefined);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#options.subscriber.close();
  }

  #attach(): void {
    const { client } = this.#options.subscriber;
    if (client === this.#client || client === null) return;
    this.#client = client;
    client.on('message', (_: string, session: string) => this.#options.sessions.ended(session));
    client.on('ready', () => void this.#begin(client));
    if (client.status === 'ready') void this.#begin(client);
  }

  async #begin(client: RedisClient): Promise<void> {
    if (client !== this.#client) return;
    try {
      await client.subscribe(CHANNEL);
    } catch {
      // The next connection tries again.
      return;
    }
    const { sessions, entries, isEntry } = this.#options;
    for (const session of sessions.names.filter(isEntry)) {
      const found = await entries.read(session, null);
      if (found.ok && found.value === null) sessions.ended(session);
    }
  }
}
