// The other end of the relay: streams the events of this controller's proxies to the leader, as long as there is one.
import { setTimeout as delay } from 'node:timers/promises';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { connectRelay } from '#api/wire/relay.ts';
import { Backoff } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import type { OwnSessions } from './own-sessions.ts';

export interface ReporterOptions {
  readonly sessions: OwnSessions;
  /** Called for each connection, since certificates are renewed. */
  readonly credentials: () => ChannelCredentials;
  readonly log: Log;
}

const BACKOFF = { minimum: 200, maximum: 5_000 };
const CHANNEL = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // TLS does not accept an IP address as server name. Any name will do: a controller is recognised by its identity.
  'grpc.ssl_target_name_override': 'controller',
};

export class Reporter {
  readonly #options: ReporterOptions;
  #leader: string | null = null;
  #stop = new AbortController();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Reports to the leader at `host:port` from now on; null stops reporting. */
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
      this.#options.log.warn({ leader, reason }, 'cannot report to the leader');
      await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves to the reason why the stream ended. */
  async #report(leader: string, signal: AbortSignal): Promise<string> {
    const client = connectRelay(leader, this.#options.credentials(), CHANNEL);
    const { promise, resolve } = Promise.withResolvers<string>();
    const stream = client.report((error) => resolve(error?.details ?? 'the leader ended the stream'));
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
