// The instances in a KV bucket of NATS: a key for each, whose value is JSON. A consumer of the stream below the bucket delivers the last
// value of each key, then every change (ADR-8 of NATS).
//
//   STREAM.INFO ──> CONSUMER.CREATE ──> last values ──all──> report ──change──> report ...
//         ^                                                     └── a value expires ──┐
//         └───────────────────────────────────────────────────────────────────────────┘
// The server does not always tell that a value has expired; it is asked anew at that time.
import { quoted } from '#lib/destination.ts';
import { MAX_INSTANCES, makeInstance, objectOf } from '../instance.ts';
import type { Instance } from '../instance.ts';
import { Soon } from '../soon.ts';
import { NatsFault } from './connection.ts';
import type { NatsConnection } from './connection.ts';
import type { NatsMessage } from './parser.ts';
import type { PollReport } from './services.ts';

/** The bucket to follow. */
export interface BucketQuestion {
  readonly bucket: string;
  /** The keys to read, with the wildcards of NATS. */
  readonly keys: string;
  /** The domain of JetStream; absent means that of the server. */
  readonly domain?: string;
}

/** Between two signs of life of the stream, milliseconds. Two without one end the connection. */
const HEARTBEAT_MS = 5_000;
const MS_TO_NS = 1e6;
/** The largest value. */
const MAX_VALUE_BYTES = 16_384;
/** The pause after the time at which a value expires by its age, milliseconds. */
const AFTER_EXPIRY_MS = 250;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The state of a key: its instance, or why there is none. */
interface Entry {
  readonly instance: Instance | null;
  readonly problem: string | null;
  /** When the value expires, milliseconds of the server's clock; Infinity for never. */
  readonly expires: number;
}

/** What the position in the reply of a delivered message tells. */
interface Position {
  readonly delivery: number;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  readonly left: number;
}

/** Follows a bucket until the connection or the signal ends. Throws a NatsFault. */
export async function followBucket(
  connection: NatsConnection,
  question: BucketQuestion,
  report: PollReport,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) await new BucketRead(connection, question, report).run(signal);
}

/** One consumer, from its creation to the end of the connection or to the first value that expires. */
class BucketRead {
  readonly #connection: NatsConnection;
  readonly #question: BucketQuestion;
  readonly #report: PollReport;
  readonly #entries = new Map<string, Entry>();
  readonly #over = Promise.withResolvers<void>();
  readonly #prefix: string;
  readonly #changed = new Soon(() => this.#tell());
  #delivered = 0;
  #isComplete = false;
  /** The server's clock minus ours, milliseconds. */
  #ahead = 0;
  /** Values live so long, milliseconds; Infinity for ever. */
  #maxAge = Infinity;
  #heartbeat: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  constructor(connection: NatsConnection, question: BucketQuestion, report: PollReport) {
    this.#connection = connection;
    this.#question = question;
    this.#report = report;
    this.#prefix = `$KV.${question.bucket}.`;
  }

  async run(signal: AbortSignal): Promise<void> {
    const abort = (): void => this.#over.resolve();
    signal.addEventListener('abort', abort, { once: true });
    const settle = this.#connection.whenClosed(this.#over.reject);
    this.#over.promise.catch(() => undefined);
    const inbox = this.#connection.inbox();
    const unsubscribe = this.#connection.subscribe(inbox, (message) => this.#guarded(() => this.#take(message)));
    const name = crypto.randomUUID().replaceAll('-', '');
    try {
      await this.#learn();
      await this.#consume(name, inbox);
      await this.#over.promise;
    } finally {
      clearTimeout(this.#heartbeat);
      clearTimeout(this.#expiry);
      this.#changed.stop();
      signal.removeEventListener('abort', abort);
      settle();
      unsubscribe();
      this.#connection.publish(`${this.#api}.CONSUMER.DELETE.${this.#stream}.${name}`, '');
    }
  }

  get #stream(): string {
    return `KV_${this.#question.bucket}`;
  }

  get #api(): string {
    const { domain } = this.#question;
    return domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
  }

  async #learn(): Promise<void> {
    const asked = Date.now();
    const info = await this.#ask(`STREAM.INFO.${this.#stream}`, '');
    const now = typeof info['ts'] === 'string' ? Date.parse(info['ts']) : NaN;
    this.#ahead = Number.isFinite(now) ? now - (asked + Date.now()) / 2 : 0;
    const age = objectOf(info['config'])?.['max_age'];
    this.#maxAge = typeof age === 'number' && age > 0 ? age / MS_TO_NS : Infinity;
  }

  async #consume(name: string, inbox: string): Promise<void> {
    const filter = `${this.#prefix}${this.#question.keys}`;
    const config = {
      name,
      deliver_subject: inbox,
      deliver_policy: 'last_per_subject',
      filter_subject: filter,
      ack_policy: 'none',
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      idle_heartbeat: HEARTBEAT_MS * MS_TO_NS,
      inactive_threshold: 3 * HEARTBEAT_MS * MS_TO_NS,
    };
    const request = JSON.stringify({ stream_name: this.#stream, config });
    const made = await this.#ask(`CONSUMER.CREATE.${this.#stream}.${name}.${filter}`, request);
    this.#lives();
    if (made['num_pending'] === 0 && this.#delivered === 0) this.#guarded(() => this.#complete());
  }

  async #ask(subject: string, payload: string): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#connection.request(`${this.#api}.${subject}`, payload);
    if (statusOf(answer.headers) === 503) throw new NatsFault('does not offer JetStream to this user');
    const body = parse(answer.payload);
    if (body === null) throw new NatsFault('answers JetStream requests with invalid JSON');
    const error = objectOf(body['error']);
    if (error === undefined) return body;
    const { description } = error;
    throw new NatsFault(`answers: ${quoted(typeof description === 'string' ? description : 'an error')}`);
  }

  /** An error while a message is read ends the connection's use. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#over.reject(error);
    }
  }

  #lives(): void {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(() => this.#over.reject(new NatsFault('does not send heartbeats of the bucket')), 2 * HEARTBEAT_MS);
  }

  #take({ subject, reply, headers, payload }: NatsMessage): void {
    this.#lives();
    // A heartbeat.
    if (statusOf(headers) !== 0) return;
    const position = positionIn(reply);
    if (position === null || !subject.startsWith(this.#prefix)) throw new NatsFault('sends messages that are not of the bucket');
    if (position.delivery !== ++this.#delivered) throw new NatsFault('has left out messages of the bucket');
    const key = subject.slice(this.#prefix.length);
    if (isRemoval(headers)) this.#entries.delete(key);
    else this.#entries.set(key, this.#entryOf(key, headers, payload, position));
    if (this.#entries.size > MAX_INSTANCES) throw new NatsFault(`has more than ${MAX_INSTANCES} instances in the bucket`);
    if (this.#isComplete) this.#changed.ask();
    else if (position.left === 0) this.#complete();
  }

  #entryOf(key: string, headers: string, payload: Buffer, { storedAt }: Position): Entry {
    const expires = storedAt + Math.min(this.#maxAge, ttlIn(headers));
    const raw = payload.length > MAX_VALUE_BYTES ? null : parse(payload);
    if (raw === null)
      return { instance: null, problem: `${quoted(key)} is not a JSON object of at most ${MAX_VALUE_BYTES} bytes`, expires };
    const { address, port, weight, zone, labels } = raw;
    const made = makeInstance({ address, port, weight, zone, labels });
    if (made.ok) return { instance: made.value, problem: null, expires };
    return { instance: null, problem: `${quoted(key)} ${made.error}`, expires };
  }

  #complete(): void {
    this.#isComplete = true;
    this.#tell();
  }

  #tell(): void {
    const all = [...this.#entries.values()];
    this.#report(
      all.flatMap(({ instance }) => instance ?? []),
      all.flatMap(({ problem }) => problem ?? []),
    );
    clearTimeout(this.#expiry);
    const first = all.reduce((earliest, { expires }) => Math.min(earliest, expires), Infinity);
    if (first === Infinity) return;
    const wait = first - (Date.now() + this.#ahead) + AFTER_EXPIRY_MS;
    this.#expiry = setTimeout(() => this.#over.resolve(), Math.min(Math.max(wait, AFTER_EXPIRY_MS), LONGEST_TIMER_MS));
  }
}

/** `NATS/1.0 503 ...`: the status of an answer without a sender; 0 if there is none. */
function statusOf(headers: string): number {
  return Number(/^NATS\/1\.0[ \t]+([0-9]{3})/.exec(headers)?.[1] ?? 0);
}

function headerIn(headers: string, name: string): string | undefined {
  const line = headers.split('\r\n').find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return line?.slice(name.length + 1).trim();
}

/** A deletion, a purge, or the mark of an expired value. */
function isRemoval(headers: string): boolean {
  if (headers === '') return false;
  return /^(DEL|PURGE)$/.test(headerIn(headers, 'KV-Operation') ?? '') || headerIn(headers, 'Nats-Marker-Reason') !== undefined;
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, '': 1_000 };

/** The time to live of a single value, milliseconds: seconds, or a duration of Go. Infinity if it has none. */
function ttlIn(headers: string): number {
  const text = headers === '' ? undefined : headerIn(headers, 'Nats-TTL');
  if (text === undefined || !/^([0-9]{1,9}(\.[0-9]{1,9})?(h|m|s)?){1,4}$/.test(text)) return Infinity;
  return [...text.matchAll(/([0-9.]+)(h|m|s)?/g)].reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
}

/** `$JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<delivery>.<time>.<left>`, or the same with domain and account after `ACK`. */
function positionIn(reply: string): Position | null {
  const words = reply.split('.');
  const [delivery = '', time = '', left = ''] = words.length === 9 ? words.slice(6) : words.slice(8);
  if (!reply.startsWith('$JS.ACK.') || ![delivery, time, left].every((word) => /^[0-9]{1,19}$/.test(word))) return null;
  return { delivery: Number(delivery), storedAt: Number(time) / MS_TO_NS, left: Number(left) };
}

function parse(payload: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    return objectOf(JSON.parse(payload.toString('utf8'))) ?? null;
  } catch {
    return null;
  }
}
