// The telemetry stream of one proxy from the controller's side, over any transport: takes its reports, and carries commands to it.
//
//   greeting ──Hello──> open: report > Received; command > chunks > answer
import type {
  Action,
  AnswerMessage,
  AskMessage,
  ChunkMessage,
  FromProxy,
  ReportMessage,
  TelemetryHello,
  ThreatBlock,
  ToProxy,
} from '#api/wire/telemetry-messages.ts';
import { decodeFromProxy } from '#api/wire/telemetry-schema.ts';
import { describeError } from '#api/k8s/field-error.ts';
import { MAX_COMMANDS } from '#api/wire/telemetry-limits.ts';
import { TokenBucket } from '#lib/token-bucket.ts';
import type { ProxyView } from './proxy-view.ts';

/** How long a proxy may take to say hello, milliseconds. */
const GREETING_MS = 30_000;
/** How much longer than the proxy a controller waits for an answer, milliseconds. */
const SLACK_MS = 2_000;
/** Reports of one proxy. A proxy waits for its confirmation and an interval between two. */
const REPORT_RATE = { burst: 10, perSecond: 2 };
/** Messages about blocks of one proxy. A proxy gathers blocks for 50 ms. */
const BLOCKS_RATE = { burst: 50, perSecond: 25 };

/** Why a controller ends a stream. */
export type EndCode = 'invalid' | 'exhausted' | 'stopping' | 'bug';

/** The other end of a stream. */
export interface ProxyPeer {
  /** What its certificate lets it read. */
  readonly scope: string;
  readonly address: string;
  send(message: ToProxy): void;
  end(code: EndCode, reason: string): void;
}

/** The end of a command; `away`: the stream ended before an answer. */
export interface CommandEnd {
  readonly outcome: 'done' | 'refused' | 'failed' | 'timedOut' | 'away';
  readonly reason: string;
}

export interface StreamCallbacks {
  /** The Hello: the result is the view of the proxy and the rest of the Welcome. Never rejects. */
  readonly greeted: (hello: TelemetryHello) => Greeted | Promise<Greeted>;
  /** `isNew`: it was not counted before. */
  readonly reported: (report: ReportMessage, isNew: boolean) => void;
  /** The proxy needs units of limits. */
  readonly asked: (asks: readonly AskMessage[]) => void;
  /** Threat detection of the proxy blocks sources. */
  readonly blocked: (blocks: readonly ThreatBlock[]) => void;
}

export interface Greeted {
  readonly view: ProxyView;
  readonly welcome: Omit<Extract<ToProxy, { message: 'welcome' }>['welcome'], 'sequence'>;
}

interface Waiting {
  readonly chunk: (data: Buffer) => void | Promise<void>;
  readonly end: (end: CommandEnd) => void;
}

export class ProxyStream {
  readonly peer: ProxyPeer;
  readonly #callbacks: StreamCallbacks;
  readonly #rate = new TokenBucket(REPORT_RATE);
  readonly #blocksRate = new TokenBucket(BLOCKS_RATE);
  readonly #waiting = new Map<number, Waiting>();
  readonly #greeting: NodeJS.Timeout;
  #hello: TelemetryHello | null = null;
  #view: ProxyView | null = null;
  #nextId = 1;
  #open = true;

  constructor(peer: ProxyPeer, callbacks: StreamCallbacks) {
    this.peer = peer;
    this.#callbacks = callbacks;
    this.#greeting = setTimeout(() => this.#refuse('invalid', 'no hello in time'), GREETING_MS);
    this.#greeting.unref();
  }

  /** Null before the Hello. */
  get hello(): TelemetryHello | null {
    return this.#hello;
  }

  /** Takes a message. A promise: read no more until it resolves. */
  receive(message: FromProxy): void | Promise<void> {
    if (!this.#open) return;
    const decoded = decodeFromProxy(message);
    if (!decoded.ok) return this.#refuse('invalid', describeError(decoded.error));
    if (message.message === undefined) return;
    if (message.message === 'hello') return this.#greet(message.hello);
    return this.#view === null ? this.#refuse('invalid', 'a hello must come first') : this.#take(message, this.#view);
  }

  #take(message: Exclude<FromProxy, { message: 'hello' } | { message?: undefined }>, view: ProxyView): void | Promise<void> {
    switch (message.message) {
      case 'chunk':
        return this.#chunk(message.chunk);
      case 'answer':
        return this.#answer(message.answer);
      case 'asks':
        return this.#callbacks.asked(message.asks.asks);
      case 'blocked':
        if (this.#blocksRate.take() > 0) return this.#refuse('exhausted', 'too many messages about blocks');
        return this.#callbacks.blocked(message.blocked.blocks);
      case 'report':
        if (this.#rate.take() > 0) return this.#refuse('exhausted', 'too many reports');
        return this.#count(message.report, view);
    }
  }

  #count(report: ReportMessage, view: ProxyView): void {
    const isNew = view.count(report);
    this.peer.send({ message: 'received', received: { sequence: report.sequence } });
    this.#callbacks.reported(report, isNew);
  }

  /** Sends a command. Resolves to its end; never rejects. `chunk` takes the parts of its result. */
  async command(action: Action, deadlineMs: number, chunk: Waiting['chunk'], signal: AbortSignal): Promise<CommandEnd> {
    const refusal = this.#obstacle(action);
    if (refusal !== null) return { outcome: 'refused', reason: refusal };
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<CommandEnd>();
    const late = setTimeout(
      () => resolve({ outcome: 'timedOut', reason: `no answer within ${deadlineMs + SLACK_MS} ms` }),
      deadlineMs + SLACK_MS,
    );
    late.unref();
    const cancel = (): void => this.peer.send({ message: 'cancel', cancel: { id } });
    signal.addEventListener('abort', cancel);
    this.#waiting.set(id, { chunk, end: resolve });
    this.peer.send({ message: 'command', command: { id, deadlineMs, ...action } });
    if (signal.aborted) cancel();
    const end = await promise;
    clearTimeout(late);
    signal.removeEventListener('abort', cancel);
    this.#waiting.delete(id);
    return end;
  }

  /** The stream has ended. */
  close(): void {
    this.#open = false;
    clearTimeout(this.#greeting);
    for (const { end } of this.#waiting.values()) end({ outcome: 'away', reason: 'the stream of the proxy ended before its answer' });
  }

  #obstacle({ action }: Action): string | null {
    if (!this.#open || this.#hello === null) return 'the proxy is not connected';
    if (this.#waiting.size >= MAX_COMMANDS) return `the proxy runs ${MAX_COMMANDS} commands already`;
    const { commands, weirVersion } = this.#hello;
    return commands.includes(action) ? null : `the proxy (version ${weirVersion}) does not know the command: upgrade the proxy`;
  }

  #greet(hello: TelemetryHello): void {
    if (this.#hello !== null) return this.#refuse('invalid', 'a second hello');
    clearTimeout(this.#greeting);
    this.#hello = hello;
    const greeted = this.#callbacks.greeted(hello);
    if (greeted instanceof Promise) void greeted.then((later) => this.#welcome(later));
    else this.#welcome(greeted);
  }

  #welcome({ view, welcome }: Greeted): void {
    if (!this.#open) return;
    this.#view = view;
    this.peer.send({ message: 'welcome', welcome: { sequence: view.sequence, ...welcome } });
  }

  #chunk({ id, data }: ChunkMessage): void | Promise<void> {
    // A chunk may come after the end of its command.
    return this.#waiting.get(id)?.chunk(data);
  }

  #answer({ id, outcome, reason }: AnswerMessage): void {
    const known = (['done', 'refused', 'failed', 'timedOut'] as const).find((each) => each === outcome);
    this.#waiting.get(id)?.end({ outcome: known ?? 'failed', reason: known === undefined ? `${outcome}: ${reason}` : reason });
  }

  #refuse(code: EndCode, reason: string): void {
    this.close();
    this.peer.end(code, reason);
  }
}
