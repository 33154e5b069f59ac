// One telemetry stream from the proxy's side, over any transport: sends the Hello and reports, and answers commands.
//
//   greeting ──Welcome──> reporting: report ──Received──> interval ──> report ...
//
// The next report waits until the controller has taken the last. So a slow controller gets fewer and larger reports, and none is queued.
import type { CommandMessage, FromProxy, TelemetryHello, ToProxy, WelcomeMessage } from '#api/wire/telemetry-messages.ts';
import { MIN_INTERVAL_MS } from '#api/wire/telemetry-limits.ts';
import { decodeToProxy } from '#api/wire/telemetry-schema.ts';
import { describeError } from '#api/k8s/field-error.ts';
import { BlockLine } from './block-line.ts';
import type { BlockSharing } from './block-line.ts';
import type { Commands } from './commands.ts';
import { LendingLine } from './lending.ts';
import type { Borrowing } from './lending.ts';
import type { Outbox } from './outbox.ts';
import type { ReportSource } from './source.ts';

/** How long a controller may take to answer a hello or a report, milliseconds. */
const PATIENCE_MS = 60_000;
/** The share by which intervals vary: proxies that started together must not report together. */
const JITTER = 0.2;
/** How many times sooner the next report comes if entries wait. */
const HURRY = 4;

/** The way to the controller. */
export interface Line {
  /** Resolves when the message has left; never rejects. */
  send(message: FromProxy): Promise<void>;
  /** Ends the stream. */
  end(reason: string): void;
}

export interface DialogueOptions {
  readonly hello: TelemetryHello;
  readonly outbox: Outbox;
  readonly source: ReportSource;
  readonly commands: Commands;
  readonly line: Line;
  /** Limits of the fleet. */
  readonly borrowing: Borrowing;
  /** Blocks of threat detection. */
  readonly blocks: BlockSharing;
  /** Milliseconds; tests are less patient. */
  readonly patience?: number;
  /** Called with every report. */
  readonly reported: () => void;
  /** Called once the controller has answered. */
  readonly welcomed: () => void;
}

export class Dialogue {
  readonly #options: DialogueOptions;
  readonly #lending: LendingLine;
  readonly #blocks: BlockLine;
  readonly #running = new Map<number, AbortController>();
  #intervalMs = 0;
  #open = true;
  #timer: NodeJS.Timeout | null = null;
  #deadline: NodeJS.Timeout | null = null;

  constructor(options: DialogueOptions) {
    this.#options = options;
    const send = (message: FromProxy): Promise<void> => options.line.send(message);
    this.#lending = new LendingLine(options.borrowing, send);
    this.#blocks = new BlockLine(options.blocks, send);
  }

  /** Sends the Hello. */
  begin(): void {
    this.#await('Welcome');
    const unconfirmed = this.#options.outbox.unconfirmed?.sequence ?? 0;
    void this.#options.line.send({ message: 'hello', hello: { ...this.#options.hello, unconfirmed } });
  }

  /** Takes a message of the controller. A message that is out of bounds ends the stream. */
  receive(message: ToProxy): void {
    if (!this.#open) return;
    const decoded = decodeToProxy(message);
    if (!decoded.ok) return this.#options.line.end(`the controller sent an invalid message: ${describeError(decoded.error)}`);
    switch (message.message) {
      case 'welcome':
        return this.#welcome(message.welcome);
      case 'received':
        return this.#received(message.received.sequence);
      case 'command':
        return void this.#run(message.command);
      case 'cancel':
        return this.#running.get(message.cancel.id)?.abort();
      case 'shared':
        return this.#blocks.take(message);
      default:
        // Of a controller of a later release: nothing takes it.
        return this.#lending.take(message);
    }
  }

  /** The stream has ended: commands stop, reports wait for the next stream. */
  close(): void {
    this.#open = false;
    this.#lending.close();
    this.#blocks.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    for (const running of this.#running.values()) running.abort();
  }

  #welcome({ sequence, intervalMs, overrides, overridesComplete, countedElsewhere = 0 }: WelcomeMessage): void {
    const { outbox, commands, welcomed } = this.#options;
    this.#heard();
    this.#intervalMs = intervalMs;
    welcomed();
    commands.override(overrides, overridesComplete);
    this.#blocks.begin();
    const { unconfirmed } = outbox;
    if (outbox.resume(sequence, countedElsewhere) && unconfirmed !== null && outbox.unconfirmed === unconfirmed) this.#send(unconfirmed);
    else void this.#report();
  }

  #received(sequence: number): void {
    this.#heard();
    this.#options.outbox.confirm(sequence);
    if (this.#options.outbox.unconfirmed !== null) return;
    const factor = 1 - JITTER + 2 * JITTER * Math.random();
    // A report has no room for thousands of routes: without a hurry their counts would come in a later step of the window.
    const interval = this.#options.outbox.waiting > 0 ? Math.max(MIN_INTERVAL_MS, this.#intervalMs / HURRY) : this.#intervalMs;
    this.#timer = setTimeout(() => void this.#report(), interval * factor);
    this.#timer.unref();
  }

  async #report(): Promise<void> {
    const { source, outbox } = this.#options;
    const { head, workers, exists } = await source.read();
    outbox.keepWorkers(new Set(workers.keys()));
    for (const [worker, report] of workers) if (report !== null) outbox.add(worker, report);
    if (exists !== null) outbox.prune(exists);
    // Without a stream the outbox keeps the counts for the next one.
    if (this.#open && outbox.unconfirmed === null) this.#send(outbox.next(head));
  }

  #send(report: NonNullable<Outbox['unconfirmed']>): void {
    this.#await(`confirmation of report ${report.sequence}`);
    this.#options.reported();
    void this.#options.line.send({ message: 'report', report });
  }

  async #run(command: CommandMessage): Promise<void> {
    const { commands, line } = this.#options;
    const running = new AbortController();
    this.#running.set(command.id, running);
    const chunk = (data: Buffer): Promise<void> => line.send({ message: 'chunk', chunk: { id: command.id, data } });
    const { outcome, reason } = await commands.run(command, { chunk, signal: running.signal });
    this.#running.delete(command.id);
    if (this.#open) void line.send({ message: 'answer', answer: { id: command.id, outcome, reason } });
  }

  #await(what: string): void {
    const { patience = PATIENCE_MS, line } = this.#options;
    this.#heard();
    this.#deadline = setTimeout(() => line.end(`no ${what} in ${patience} ms`), patience);
    this.#deadline.unref();
  }

  #heard(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
  }
}
