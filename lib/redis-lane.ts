// A connection to one server of Redis for scripts that answer with numbers. All commands of a turn of the event loop leave in one write, and
// answers are matched in order: so a command costs a small part of what it costs a client for all commands.
//
// ioredis makes the connection: it finds the master, and does TLS, names, the database and new connections after failures. Once it is ready
// and no command of ioredis is under way, its bytes are read and written here.
import { ReplyError, type Redis } from 'ioredis';
import { turnTime } from './turn-clock.ts';
import { atTurnEnd } from './turn-end.ts';
import { RespReader, type RespAnswer } from './resp-reader.ts';

/** A command under way. Exactly one of the two functions is called, once. */
export interface LaneCommand {
  /** The server has answered, perhaps with an error. */
  answered(answer: RespAnswer): void;
  /** There is no answer: the connection ended, or the time is over. Whether the server has run the command is unknown. */
  failed(error: Error): void;
}

/** A place in the line; `command` null: it has failed, and its answer is ignored. */
interface Place {
  command: LaneCommand | null;
  readonly deadline: number;
}

/** So many places that are answered are removed together. */
const REMOVED = 1_024;

export class RedisLane {
  readonly #client: Redis;
  readonly #timeoutMs: number;
  /** Null: no connection is ready. */
  #stream: Redis['stream'] | null = null;
  #line: Place[] = [];
  /** The first place without an answer. */
  #first = 0;
  /** The first place whose time may not be over. */
  #timed = 0;
  #out = '';
  #timer: NodeJS.Timeout | null = null;

  /** `client` is for this lane only; `timeoutMs`: a command without an answer fails after this time. */
  constructor(client: Redis, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    client.on('ready', () => void this.#take());
    client.on('close', () => this.#lose());
    // The other connection to the server tells of failures.
    client.on('error', () => undefined);
  }

  /** Whether commands can be sent now. */
  get isReady(): boolean {
    return this.#stream !== null;
  }

  /** Sends a command in the form of RESP, of ASCII characters. The lane must be ready. */
  send(text: string, command: LaneCommand): void {
    if (this.#out === '') atTurnEnd(this);
    this.#out += text;
    this.#line.push({ command, deadline: turnTime() + this.#timeoutMs });
    this.#timer ??= setTimeout(() => this.#expire(), this.#timeoutMs).unref();
  }

  turnEnded(): void {
    const out = this.#out;
    this.#out = '';
    if (out !== '') this.#stream?.write(out, 'latin1');
  }

  close(): void {
    this.#client.disconnect();
    this.#lose();
  }

  /** Takes the connection over, behind all commands of ioredis. */
  async #take(): Promise<void> {
    const { stream } = this.#client;
    // An error of the server, which may not permit the command, is an answer too.
    const isAnswered = await this.#client.ping().then(
      () => true,
      (error: unknown) => error instanceof ReplyError,
    );
    if (!isAnswered || this.#client.stream !== stream || stream.destroyed) return;
    const reader = new RespReader((answer) => this.#answer(answer));
    stream.removeAllListeners('data');
    stream.on('data', (chunk: Buffer) => {
      try {
        reader.read(chunk);
      } catch {
        // What follows cannot be matched: ioredis connects again.
        stream.destroy();
      }
    });
    this.#stream = stream;
  }

  #answer(answer: RespAnswer): void {
    const place = this.#line[this.#first];
    if (place === undefined) throw new Error('Redis gives an answer to nothing');
    this.#first++;
    place.command?.answered(answer);
    if (this.#first < REMOVED && this.#first < this.#line.length) return;
    this.#line.splice(0, this.#first);
    this.#timed = Math.max(0, this.#timed - this.#first);
    this.#first = 0;
  }

  /** The commands whose time is over fail; their places stay until the answer comes. */
  #expire(): void {
    this.#timer = null;
    const now = performance.now();
    this.#timed = Math.max(this.#timed, this.#first);
    for (; this.#timed < this.#line.length; this.#timed++) {
      const place = this.#line[this.#timed] as Place;
      if (place.deadline > now) {
        this.#timer = setTimeout(() => this.#expire(), Math.ceil(place.deadline - now)).unref();
        return;
      }
      this.#fail(place, 'Redis does not answer in time');
    }
  }

  #lose(): void {
    const lost = this.#line.slice(this.#first);
    this.#stream = null;
    this.#line = [];
    this.#first = 0;
    this.#timed = 0;
    this.#out = '';
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const place of lost) this.#fail(place, 'the connection to Redis ended');
  }

  #fail(place: Place, message: string): void {
    const { command } = place;
    place.command = null;
    command?.failed(new Error(message));
  }
}
