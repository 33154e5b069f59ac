// A coarse timer wheel: arming and disarming costs a few pointer writes, so that every request can have several timeouts.

const TICK_MS = 25;
const SLOTS = 512;
/** A timer shorter than this is checked against the clock when it is armed: its lateness would be noticeable. */
const SHORT_MS = 2_000;
/** The event loop counts as stalled when a tick is later than this. */
const STALL_MS = 100;

/** A timeout that can be armed repeatedly. A connection or an exchange owns it and allocates it once. */
export class Timer {
  /** Internal to the wheel: neighbours in the ring of the slot, and the remaining turns of the wheel. */
  previous: Timer | null = null;
  next: Timer | null = null;
  turns = 0;
  readonly expire: () => void;

  constructor(expire: () => void) {
    this.expire = expire;
  }

  get armed(): boolean {
    return this.next !== null;
  }
}

/** The wheel. Its resolution is one tick: a timeout fires up to 25 ms late and never early. */
export class TimerWheel {
  readonly #failed: (error: unknown) => void;
  readonly #slots: Timer[] = [];
  /** The timers of the expiring slot: an expiry may arm and disarm any timer, also in the same slot. */
  readonly #due = ring();
  #position = 0;
  #armed = 0;
  #interval: NodeJS.Timeout | null = null;
  #catchingUp: NodeJS.Immediate | null = null;
  #lastTick = 0;

  /** `failed` gets the exception of an expired timer; the other timers still expire. Without it the exception is uncaught. */
  constructor(failed: (error: unknown) => void = throwLater) {
    this.#failed = failed;
    for (let i = 0; i < SLOTS; i++) this.#slots.push(ring());
  }

  /** The number of armed timers: for leak tests and metrics. */
  get size(): number {
    return this.#armed;
  }

  /** performance.now() at the last tick: at most 25 ms old while a timer is armed, and free of charge. Exact after a stall. */
  get now(): number {
    return this.#interval === null || this.#catchingUp !== null ? performance.now() : this.#lastTick;
  }

  /** Arms or rearms a timer. `ms` of 0 or less disarms it: by convention 0 turns a timeout off. */
  arm(timer: Timer, ms: number): void {
    if (timer.next !== null) this.disarm(timer);
    if (ms <= 0) return;
    if (this.#interval === null) this.#start();
    // The wheel lags behind the clock while the event loop is busy. That matters for short timers only, so only they read the clock.
    const lag = ms < SHORT_MS ? performance.now() - this.#lastTick : 0;
    const ticks = Math.ceil((ms + lag) / TICK_MS) + 1;
    // The wheel reaches a slot after 1 to SLOTS ticks.
    timer.turns = Math.floor((ticks - 1) / SLOTS);
    link(this.#slot(this.#position + ticks), timer);
    this.#armed++;
  }

  /** Disarms a timer; no effect if it is not armed. */
  disarm(timer: Timer): void {
    if (timer.next === null) return;
    unlink(timer);
    this.#armed--;
  }

  /** Disarms every timer and stops the ticks. */
  stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval);
    if (this.#catchingUp !== null) clearImmediate(this.#catchingUp);
    this.#interval = null;
    this.#catchingUp = null;
  }

  #slot(index: number): Timer {
    return this.#slots[index % SLOTS] as Timer;
  }

  #start(): void {
    this.#lastTick = performance.now();
    this.#interval = setInterval(() => this.#tick(), TICK_MS);
    this.#interval.unref();
  }

  #tick(): void {
    const late = performance.now() - this.#lastTick >= STALL_MS;
    // Node runs timers before reads. After a stall, bytes of peers may be waiting unread, so reads go first and timers after them.
    if (!late) this.#advance();
    else this.#catchingUp ??= setImmediate(() => this.#advance()).unref();
  }

  /** Advances the wheel to the clock: a blocked event loop delays a timer by no more than the block itself. */
  #advance(): void {
    this.#catchingUp = null;
    const now = performance.now();
    while (now - this.#lastTick >= TICK_MS) {
      this.#lastTick += TICK_MS;
      this.#position++;
      this.#expireSlot(this.#slot(this.#position));
    }
    if (this.#armed === 0) this.stop();
  }

  #expireSlot(head: Timer): void {
    moveAll(head, this.#due);
    for (let timer = this.#due.next as Timer; timer !== this.#due; timer = this.#due.next as Timer) {
      if (timer.turns > 0) {
        unlink(timer);
        timer.turns--;
        link(head, timer);
      } else {
        this.disarm(timer);
        this.#expire(timer);
      }
    }
  }

  #expire(timer: Timer): void {
    try {
      timer.expire();
    } catch (error) {
      this.#failed(error);
    }
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function ring(): Timer {
  const head = new Timer(() => undefined);
  head.previous = head;
  head.next = head;
  return head;
}

/** Moves every timer of a ring into another, empty ring. */
function moveAll(from: Timer, to: Timer): void {
  const first = from.next as Timer;
  if (first === from) return;
  const last = from.previous as Timer;
  to.next = first;
  first.previous = to;
  to.previous = last;
  last.next = to;
  from.next = from;
  from.previous = from;
}

function link(head: Timer, timer: Timer): void {
  const last = head.previous as Timer;
  last.next = timer;
  timer.previous = last;
  timer.next = head;
  head.previous = timer;
}

function unlink(timer: Timer): void {
  (timer.previous as Timer).next = timer.next;
  (timer.next as Timer).previous = timer.previous;
  timer.previous = null;
  timer.next = null;
}
