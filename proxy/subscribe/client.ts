// The config stream of a proxy: connects to a controller, sends its inventory, applies pushes, acks them, and reconnects when the stream
// ends. Until the first push it serves the last good configuration from disk.
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
import { loadCredentials } from '#api/wire/credentials.ts';
import type { TlsFiles } from '#api/wire/credentials.ts';
import { Intake } from './intake.ts';
import type { LastGood, LastGoodCounts } from './last-good.ts';
import { OwnPairs } from './own-pairs.ts';
import { HeldState } from './state.ts';
import type { SubscribeTarget } from './target.ts';

/** Milliseconds. */
export interface SubscribeTimes {
  /** The waits between connections. */
  readonly backoff: BackoffOptions;
  /** The interval of pings on a silent stream, and the timeout of their answers. */
  readonly keepalive: { readonly every: number; readonly timeout: number };
  /** The timeout of connecting. */
  readonly connect: number;
  /**
   * The time that a proxy without configuration waits for the first push of a controller before it loads the last good configuration from
   * disk.
   */
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
  /** 'plaintext', for loopback addresses only. */
  readonly tls: TlsFiles | 'plaintext';
  /** The name in the controller's certificate if it differs from the host, else ''. */
  readonly serverName: string;
  readonly nodeId: string;
  readonly weirVersion: string;
  readonly target: SubscribeTarget;
  /** Null: nothing is stored on disk. */
  readonly lastGood: LastGood | null;
  readonly log: Log;
  readonly times?: SubscribeTimes;
}

/** The source of the configuration in use; 'none' until there is a complete one. */
export type ConfigSource = 'none' | 'last-good' | 'controller';

/** The state of a subscription for probes, metrics and dumps. */
export interface SubscriptionState {
  readonly connected: boolean;
  readonly source: ConfigSource;
  readonly resources: number;
  readonly refused: number;
  /** The kind of each refused resource, and the revision of the served configuration. */
  readonly refusedKinds: readonly ResourceKind[];
  readonly revision: string;
  /** Since the start of the process. */
  readonly connects: number;
  readonly pushes: number;
  /** Writes of the last good file, and failed reads or writes. */
  readonly lastGood: LastGoodCounts;
  /** The time of the last write, milliseconds since the epoch; 0 without a file. */
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
  /** The queue of pushes and of recoveries between them. */
  #applying: Promise<void> = Promise.resolve();
  /** Ends the open stream, if any. */
  #endStream: () => void = () => undefined;
  #source: ConfigSource = 'none';
  #connected = false;
  #triedDisk = false;
  /** The content of the last good file, if its key matched; null before reading, and once there is a newer configuration. */
  #recalled: readonly EncodedResource[] | null = null;
  #connects = 0;
  #pushes = 0;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#times = options.times ?? SUBSCRIBE_TIMES;
    this.#intake = new Intake({ state: this.#state, pairs: this.#pairs, target: options.target, log: options.log });
    this.#backoff = new Backoff(this.#times.backoff);
  }

  /** Resolves once a complete configuration is served, to its source. */
  get ready(): Promise<ConfigSource> {
    return this.#ready.promise;
  }

  start(): void {
    this.#options.target.onRecovery?.(() => this.#recover());
    this.#running = this.#run();
  }

  /** Ends the stream and stores the configuration. The target continues to serve it. */
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

  /** All resources in use, for a worker that replaces another. */
  resources(): readonly Resource[] {
    const inUse = this.#state.all().flatMap((encoded) => {
      const decoded = decode(encoded);
      return decoded.ok ? [decoded.value] : [];
    });
    return [...inUse, ...this.#intake.guards];
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

  /** One connection from reading the certificates to its end; resolves to the reason of its end. */
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
      // The certificates belong to this connection; a shared channel would keep those of an earlier connection.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
    };
  }

  /** Handles a stream until it ends and its last push is applied. */
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

  /** Sends the name and the inventory of this proxy. */
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

  /** Acks after the target serves the push: the controller uses acks as flow control. */
  async #take(push: PushMessage, stream: DiscoveryStream): Promise<void> {
    const { errors, recovered } = await this.#intake.take(push);
    this.#pushes++;
    this.#tellRevision();
    this.#backoff.reset();
    for (const error of errors) this.#options.log.error({ ...error }, 'resource refused');
    stream.write({ message: 'ack', ack: { nonce: push.nonce, errors, recovered } });
    if (push.complete) this.#pairs.forget();
    if (push.complete) this.#serve('controller');
    // An incomplete configuration must not replace a complete one on disk.
    if (this.#source !== 'none' && (push.changed.length > 0 || push.removed.length > 0 || push.complete)) this.#save();
  }

  #save(): void {
    if (this.#source !== 'none') this.#options.lastGood?.schedule(() => this.#state.lasting());
  }

  #tellRevision(): void {
    this.#options.target.revised?.(this.#state.revision);
  }

  /** Retries refused resources. Acks exist only for pushes, so the stream ends: the inventory of the next stream reports the result. */
  #recover(): void {
    this.#applying = this.#applying.then(async () => {
      const { recovered } = await this.#intake.retry();
      if (recovered.length === 0) return;
      this.#tellRevision();
      this.#options.log.info({ recovered: recovered.map(({ key }) => key) }, 'resources that were refused are served');
      this.#save();
      this.#endStream();
    });
  }

  /** Loads the stored pairs before pushes of a controller replace them on disk. */
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

  /** Runs once, if no controller delivered a complete configuration in the first attempt. */
  async #startFromDisk(): Promise<void> {
    const { lastGood, log } = this.#options;
    if (this.#triedDisk || this.#source !== 'none') return;
    this.#triedDisk = true;
    const loaded = this.#recalled ?? (await lastGood?.load()) ?? [];
    // Pushes that arrived meanwhile are newer.
    const changed = loaded.filter((resource) => this.#state.good(resource) === undefined);
    if (changed.length === 0) return;
    const { errors } = await this.#intake.take({ changed, removed: [] });
    for (const error of errors) log.error({ ...error }, 'resource of the last good configuration refused');
    this.#tellRevision();
    log.warn({ resources: changed.length }, 'serving the last good configuration');
    this.#serve('last-good');
  }
}
