// Of a controller that does not lead: a stream to the one that does, as long as there is one, with what its own proxies tell.
import { setTimeout as delay } from 'node:timers/promises';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { connectRelay } from '#api/wire/relay.ts';
import { Backoff } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import type { OwnSessions } from './own-sessions.ts';

export interface ReporterOptions {
  readonly sessions: OwnSessions;
  /** Asked for each connection: they are renewed. */
  readonly credentials: () => ChannelCredentials;
  readonly log: Log;
}

const BACKOFF = { minimum: 200, maximum: 5_000 };
const CHANNEL = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // TLS takes no address for a name. Which one it is does not matter: that of a controller is told by its identity.
  'grpc.ssl_target_name_override': 'controller',
};

export class Reporter {
  readonly #options: ReporterOptions;
  #leader: string | null = null;
  #stop = new AbortController();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Reports to the leader at `host:port` from now on, or (null) to nobody. */
  follow(leader: string | null): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#stop.abort();
    this.#stop = new AbortController();
    if (leader !== null) void this.#run(leader, this.#stop.signal);
  }

  async #run(leader: string, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(BACKOFF);
    while (!signal.aborted) {
      const reason = await this.#report(leader, signal);
      if (signal.aborted) return;
      this.#options.log.warn({ leader, reason }, 'the leader does not hear what proxies serve');
      await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves to why the stream ended. */
  async #report(leader: string, signal: AbortSignal): Promise<string> {
    const client = connectRelay(leader, this.#options.credentials(), CHANNEL);
    const { promise, resolve } = Promise.withResolvers<string>();
    const stream = client.report((error) => resolve(error?.details ?? 'it ended the stream'));
    stream.on('error', () => undefined);
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel);
    const unfollow = this.#options.sessions.follow((event) => void stream.write(event));
    try {
      return await promise;
    } finally {
      unfollow();
      signal.removeEventListener('abort', cancel);
      client.close();
    }
  }
}
