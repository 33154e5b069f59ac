// A coarse timer wheel: arming and disarming a timeout costs a few pointer writes, so that every request may have several.

const TICK_MS = 25;
const SLOTS = 512;
/** A timer below this is a short one: its lateness would be noticed. */
const SHORT_MS = 2_000;
/** The event loop is taken for stalled when a tick is later than this. */
const STALL_MS = 100;

/** A timeout that can be armed again and again. Owned by a connection or an exchange, allocated once. */
export class Timer {
  /** Wheel internals: neighbours in the slot's ring, and how many turns of the wheel are left. */
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

/** Where timers wait. Resolution is one tick: a timeout fires up to 25 ms late, never early. */
export class TimerWheel {
  readonly #failed: (error: unknown) => void;
  readonly #slots: Timer[] = [];
  /** What was in the slot that expires: an expiry may arm and disarm any timer, those of the slot included. */
  readonly #due = ring();
  #position = 0;
  #armed = 0;
  #interval: NodeJS.Timeout | null = null;
  #catchingUp: NodeJS.Immediate | null = null;
  #lastTick = 0;

  /** `failed`: told what a timer threw that expired; the others expire all the same. By default it goes uncaught. */
  constructor(failed: (error: unknown) => void = throwLater) {
    this.#failed = failed;
    for (let i = 0; i < SLOTS; i++) this.#slots.push(ring());
  }

  /** How many timers wait: a leak check for tests and metrics. */
  get size(): number {
    return this.#armed;
  }

  /** performance.now() as of the last tick: 25 ms old at most while a timer waits, and for free. After a stall it is exact. */
  get now(): number {
    return this.#interval === null || this.#catchingUp !== null ? performance.now() : this.#lastTick;
  }

  /** Starts or restarts a timer. `ms` of 0 or less disarms it: by convention 0 turns a timeout off. */
  arm(timer: Timer, ms: number): void {
    if (timer.next !== null) this.disarm(timer);
    if (ms <= 0) return;
    if (this.#interval === null) this.#start();
    // The wheel lags behind the clock while the event loop is busy. Only short timers would feel it, so only they read the clock.
    const lag = ms < SHORT_MS ? performance.now() - this.#lastTick : 0;
    const ticks = Math.ceil((ms + lag) / TICK_MS) + 1;
    // A slot is first met after 1 to SLOTS ticks.
    timer.turns = Math.floor((ticks - 1) / SLOTS);
    link(this.#slot(this.#position + ticks), timer);
    this.#armed++;
  }

  /** Stops a timer; does nothing when it is not armed. */
  disarm(timer: Timer): void {
    if (timer.next === null) return;
    unlink(timer);
    this.#armed--;
  }

  /** Forgets every timer and stops ticking. */
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
    // Node runs timers before reads. After a stall that would cut peers whose bytes have long been there: reads go first.
    if (!late) this.#advance();
    else this.#catchingUp ??= setImmediate(() => this.#advance()).unref();
  }

  /** Catches up with the clock, so that a blocked event loop delays no timer by more than the block itself. */
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

/** Moves every timer of one ring into another, which is empty. */
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
