// The config stream of a proxy: connects to a controller, says what it holds, applies what it is sent, acks, and starts over
// whenever the stream ends. Until a controller is there, the last good configuration on disk is served.
import { setTimeout as wait } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { ChannelOptions, StatusObject } from '@grpc/grpc-js';
import { CAPABILITIES } from '#api/wire/additions.ts';
import type { EncodedResource, Resource, ResourceKind } from '#api/ir/ir.ts';
import { decode } from '#api/wire/decode.ts';
import { connectDiscovery } from '#api/wire/discovery.ts';
import type { DiscoveryClient, DiscoveryStream } from '#api/wire/discovery.ts';
import { INVENTORY_RESOURCES, MAX_MESSAGE_BYTES } from '#api/wire/limits.ts';
import type { PushMessage } from '#api/wire/messages.ts';
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import { loadCredentials } from './credentials.ts';
import type { TlsFiles } from './credentials.ts';
import { Intake } from './intake.ts';
import type { LastGood, LastGoodCounts } from './last-good.ts';
import { OwnPairs } from './own-pairs.ts';
import { HeldState } from './state.ts';
import type { SubscribeTarget } from './target.ts';

/** Milliseconds. */
export interface SubscribeTimes {
  /** Waits between connections. */
  readonly backoff: BackoffOptions;
  /** How often a stream without messages is asked whether it lives, and how long the answer may take. */
  readonly keepalive: { readonly every: number; readonly timeout: number };
  /** How long connecting may take. */
  readonly connect: number;
  /** How long a proxy without configuration waits for a controller's first push before it takes the last good one from disk. */
  readonly firstPush: number;
}

export const SUBSCRIBE_TIMES: SubscribeTimes = {
  backoff: { minimum: 200, maximum: 15_000 },
  keepalive: { every: 10_000, timeout: 5_000 },
  connect: 10_000,
  firstPush: 5_000,
};

export interface SubscriptionOptions {
  /** `host:port` of a controller. */
  readonly address: string;
  /** 'plaintext' for loopback addresses only. */
  readonly tls: TlsFiles | 'plaintext';
  /** The name in the controller's certificate where it differs from the host; '' when it does not. */
  readonly serverName: string;
  readonly nodeId: string;
  readonly weirVersion: string;
  readonly target: SubscribeTarget;
  /** Null: nothing is kept on disk. */
  readonly lastGood: LastGood | null;
  readonly log: Log;
  readonly times?: SubscribeTimes;
}

/** Where the configuration that is served came from: 'none' until there is any that is complete. */
export type ConfigSource = 'none' | 'last-good' | 'controller';

/** A subscription as probes, metrics and dumps show it. */
export interface SubscriptionState {
  readonly connected: boolean;
  readonly source: ConfigSource;
  readonly resources: number;
  readonly refused: number;
  /** The kind of each of these, and the revision of what is served. */
  readonly refusedKinds: readonly ResourceKind[];
  readonly revision: string;
  /** Since the start. */
  readonly connects: number;
  readonly pushes: number;
  /** Writes of the last good file, and reads or writes of it that failed. */
  readonly lastGood: LastGoodCounts;
  /** When that file was written, milliseconds since the epoch; 0 while there is none. */
  readonly savedAt: number;
}

export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #times: SubscribeTimes;
  readonly #state = new HeldState();
  readonly #pairs = new OwnPairs(this.#state);
  readonly #intake: Intake;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #ready = Promise.withResolvers<ConfigSource>();
  #running: Promise<void> = Promise.resolve();
  /** What is being applied: one push after another, and what recovers between them. */
  #applying: Promise<void> = Promise.resolve();
  /** Ends the stream that is open, if any. */
  #endStream: () => void = () => undefined;
  #source: ConfigSource = 'none';
  #connected = false;
  #triedDisk = false;
  /** What the last good file held when the key to its Secrets was there; null before that, and once there is newer. */
  #recalled: readonly EncodedResource[] | null = null;
  #connects = 0;
  #pushes = 0;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#times = options.times ?? SUBSCRIBE_TIMES;
    this.#intake = new Intake({ state: this.#state, pairs: this.#pairs, target: options.target, log: options.log });
    this.#backoff = new Backoff(this.#times.backoff);
  }

  /** Resolves once a complete configuration is served, to where it came from. */
  get ready(): Promise<ConfigSource> {
    return this.#ready.promise;
  }

  start(): void {
    this.#options.target.onRecovery?.(() => this.#recover());
    this.#running = this.#run();
  }

  /** Ends the stream and writes down what is held. The target goes on with it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#options.lastGood?.close();
  }

  state(): SubscriptionState {
    return {
      connected: this.#connected,
      source: this.#source,
      resources: this.#state.size,
      refused: this.#state.allRefused().length,
      refusedKinds: this.#state.allRefused().map(({ encoded }) => encoded.kind),
      revision: this.#state.revision,
      connects: this.#connects,
      pushes: this.#pushes,
      lastGood: this.#options.lastGood?.counts ?? { written: 0, failed: 0 },
      savedAt: this.#options.lastGood?.savedAt ?? 0,
    };
  }

  /** Everything that is served: what a worker that takes the place of another begins with. */
  resources(): readonly Resource[] {
    return this.#state.all().flatMap((encoded) => {
      const decoded = decode(encoded);
      return decoded.ok ? [decoded.value] : [];
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const reason = await this.#connect();
      this.#connected = false;
      if (signal.aborted) return;
      this.#options.log.warn({ address: this.#options.address, reason }, 'no stream from the controller');
      await this.#startFromDisk();
      await wait(this.#backoff.next(), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, from its certificates to its end; resolves to why it ended. */
  async #connect(): Promise<string> {
    const { address, tls, lastGood, serverName } = this.#options;
    let client: DiscoveryClient | null = null;
    try {
      const { channel, options, privateKey } = await loadCredentials(tls, address, serverName);
      if (lastGood?.useKey(privateKey) === true) this.#save();
      if (privateKey !== null) await this.#recall();
      client = connectDiscovery(address, channel, { ...this.#channelOptions(), ...options });
      return await this.#follow(client.subscribe());
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      client?.close();
    }
  }

  #channelOptions(): Partial<ChannelOptions> {
    const { every, timeout } = this.#times.keepalive;
    return {
      'grpc.keepalive_time_ms': every,
      'grpc.keepalive_timeout_ms': timeout,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      // Certificates are this connection's own; a shared one would have those of an earlier connection.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
    };
  }

  /** Serves a stream until it ends and nothing of it is being applied any more. */
  async #follow(stream: DiscoveryStream): Promise<string> {
    const ended = Promise.withResolvers<StatusObject>();
    let isOpen = true;
    const cancel = (): void => stream.cancel();
    this.#endStream = cancel;
    const connecting = setTimeout(cancel, this.#times.connect);
    const first = this.#source === 'none' && !this.#triedDisk ? setTimeout(cancel, this.#times.firstPush) : undefined;
    this.#stopping.signal.addEventListener('abort', cancel);
    if (this.#stopping.signal.aborted) cancel();
    stream.on('metadata', () => {
      clearTimeout(connecting);
      this.#connected = true;
      this.#connects++;
    });
    stream.on('data', (push: PushMessage) => {
      clearTimeout(first);
      stream.pause();
      this.#applying = this.#applying.then(() => this.#take(push, stream)).then(() => void (isOpen && stream.resume()));
    });
    stream.on('error', () => undefined);
    stream.on('status', (end: StatusObject) => ended.resolve(end));
    this.#greet(stream);
    const { code, details } = await ended.promise;
    isOpen = false;
    clearTimeout(connecting);
    clearTimeout(first);
    this.#stopping.signal.removeEventListener('abort', cancel);
    await this.#applying;
    return `${status[code]}: ${details}`;
  }

  /** Who we are and what we hold. */
  #greet(stream: DiscoveryStream): void {
    const { nodeId, weirVersion } = this.#options;
    stream.write({ message: 'hello', hello: { nodeId, weirVersion, capabilities: CAPABILITIES } });
    this.#state.forgetSuperseded();
    const held = this.#state.inventory();
    for (let from = 0; from < held.length; from += INVENTORY_RESOURCES) {
      stream.write({ message: 'inventory', inventory: { held: held.slice(from, from + INVENTORY_RESOURCES), last: false } });
    }
    stream.write({ message: 'inventory', inventory: { held: [], last: true } });
  }

  /** Acks when the target serves it, not before: the controller paces itself by that. */
  async #take(push: PushMessage, stream: DiscoveryStream): Promise<void> {
    const { errors, recovered } = await this.#intake.take(push);
    this.#pushes++;
    this.#backoff.reset();
    for (const error of errors) this.#options.log.error({ ...error }, 'resource refused');
    stream.write({ message: 'ack', ack: { nonce: push.nonce, errors, recovered } });
    if (push.complete) this.#pairs.forget();
    if (push.complete) this.#serve('controller');
    // A part of a configuration must not take the place of a whole one on disk.
    if (this.#source !== 'none' && (push.changed.length > 0 || push.removed.length > 0 || push.complete)) this.#save();
  }

  #save(): void {
    if (this.#source !== 'none') this.#options.lastGood?.schedule(() => this.#state.lasting());
  }

  /** An ack belongs to a push. Of what is served without one a controller learns by a new stream, which says what is held. */
  #recover(): void {
    this.#applying = this.#applying.then(async () => {
      const { recovered } = await this.#intake.retry();
      if (recovered.length === 0) return;
      this.#options.log.info({ recovered: recovered.map(({ key }) => key) }, 'resources that were refused are served');
      this.#save();
      this.#endStream();
    });
  }

  /** The pairs of an earlier life, before what a controller sends takes their place on disk. */
  async #recall(): Promise<void> {
    if (this.#source !== 'none' || this.#recalled !== null) return;
    this.#recalled = (await this.#options.lastGood?.load()) ?? [];
    this.#pairs.remember(this.#recalled);
  }

  #serve(source: ConfigSource): void {
    this.#source = source;
    this.#recalled = null;
    this.#ready.resolve(source);
  }

  /** Once, when a controller did not bring a complete configuration at the first try. */
  async #startFromDisk(): Promise<void> {
    const { lastGood, log } = this.#options;
    if (this.#triedDisk || this.#source !== 'none') return;
    this.#triedDisk = true;
    const loaded = this.#recalled ?? (await lastGood?.load()) ?? [];
    // What a controller has sent meanwhile is newer.
    const changed = loaded.filter((resource) => this.#state.good(resource) === undefined);
    if (changed.length === 0) return;
    const { errors } = await this.#intake.take({ changed, removed: [] });
    for (const error of errors) log.error({ ...error }, 'resource of the last good configuration refused');
    log.warn({ resources: changed.length }, 'serving the last good configuration');
    this.#serve('last-good');
  }
}
