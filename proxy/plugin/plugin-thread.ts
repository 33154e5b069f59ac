// The thread of one plugin. After a call beyond a limit it begins no other: the proxy starts another thread, where they go.
import { parentPort, workerData } from 'node:worker_threads';
import type { Result } from '#lib/result.ts';
import type { Broken, Isolate } from './isolate.ts';
import { openIsolate, type OpenIsolate } from './languages.ts';
import type { Envelope, FromThread, Hook, ThreadData } from './message.ts';
import { monotonicTime } from './monotonic-time.ts';
import { WorkCredit } from './work-credit.ts';

/** Milliseconds after which results do not wait for those of other calls. */
const MAX_DELAY = 1;

/** A message for the plugin with the number of its call; 0 for others. */
export type Task = readonly [call: number, text: string, bytes: Uint8Array | null];

class PluginThread {
  readonly #isolate: Isolate;
  readonly #watch: Int32Array;
  readonly #credit = new WorkCredit('thread', 0);
  /** Short calls in a row, after which the plugin is called quick. */
  readonly #probation: number;
  #shortCalls = 0;
  #outbox: Envelope[] = [];
  #lastCall = 0;
  /** The proxy ends the thread; what follows is for the next one. */
  #isOver = false;

  constructor(open: OpenIsolate, { watch, probation }: ThreadData) {
    this.#isolate = open(
      (envelope) => this.#outbox.push(envelope),
      (action) => this.#runLater(action),
    );
    this.#watch = new Int32Array(watch);
    this.#probation = probation;
  }

  load(): Result<readonly Hook[]> {
    return this.#guarded(() => this.#isolate.load());
  }

  run(tasks: readonly Task[]): void {
    let since = performance.now();
    for (const task of tasks) {
      if (this.#isOver) return;
      this.#runTask(task);
      if (performance.now() - since < MAX_DELAY) continue;
      this.#flush();
      since = performance.now();
    }
    if (this.#isOver) return;
    this.#tellStuck();
    this.#flush();
  }

  #runTask([call, text, bytes]: Task): void {
    if (call !== 0) this.#lastCall = call;
    Atomics.store(this.#watch, 1, this.#lastCall);
    const before = this.#outbox.length;
    const broken = this.#guarded(() => this.#isolate.dispatch([text, bytes]));
    if (broken === null) return call === 0 ? undefined : this.#observe();
    // What it said meanwhile may be half of something.
    this.#outbox.length = before;
    this.#replace(call, broken);
  }

  /** What the isolate does by itself: for no call. */
  #runLater(action: () => Broken | null): void {
    if (this.#isOver) return;
    const broken = this.#guarded(action);
    if (broken !== null) this.#replace(0, broken);
    else this.#flush();
  }

  /** After enough short calls in a row the plugin may run on the event loop. */
  #observe(): void {
    const { looks, engine } = this.#isolate;
    if (engine === undefined || looks === undefined) return;
    if (!this.#credit.spend(looks)) {
      this.#credit.renew();
      this.#shortCalls = 0;
    } else if (++this.#shortCalls === this.#probation) tell({ type: 'quick', engine });
  }

  /** The proxy sees how long the plugin runs. */
  #guarded<T>(action: () => T): T {
    Atomics.store(this.#watch, 0, monotonicTime());
    try {
      return action();
    } finally {
      Atomics.store(this.#watch, 0, 0);
    }
  }

  #tellStuck(): void {
    const stuck = this.#guarded(() => this.#isolate.stuckCalls());
    for (const call of stuck)
      this.#outbox.push([JSON.stringify({ type: 'failed', call, reason: 'a hook waits for something that never comes' }), null]);
  }

  /** The memory of the old isolate goes with its thread: QuickJS is in an unknown state, and cannot be asked to free it. */
  #replace(call: number, { failure, reason }: Broken): void {
    this.#flush();
    tell({ type: 'replaced', call, failure, reason });
    this.#isOver = true;
  }

  #flush(): void {
    if (this.#outbox.length === 0) return;
    tell({ type: 'messages', envelopes: this.#outbox });
    this.#outbox = [];
  }
}

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

async function main(data: ThreadData): Promise<void> {
  const open = await openIsolate(data);
  if (!open.ok) return tell({ type: 'unusable', reason: open.error });
  const thread = new PluginThread(open.value, data);
  const hooks = thread.load();
  if (!hooks.ok) return tell({ type: 'unusable', reason: hooks.error });
  parentPort?.on('message', (tasks: readonly Task[]) => thread.run(tasks));
  tell({ type: 'ready', hooks: hooks.value });
}

void main(workerData as ThreadData);
