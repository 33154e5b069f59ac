// Constant traffic during an event: checks every answer; a failure has its time and phase.
import { setTimeout as delay } from 'node:timers/promises';

/** A sequence of exchanges: calls, requests, or echoed messages. */
export interface Exchanges {
  /** Runs one exchange; resolves to null if it is right, else to the error. A rejection is an error too. */
  next(): Promise<string | null>;
  close(): unknown;
}

/** A kind of traffic, see flows.ts. */
export interface Flow {
  readonly name: string;
  open(): Exchanges;
}

/** A failed exchange. */
export interface Failure {
  readonly flow: string;
  readonly reason: string;
  /** Milliseconds since the traffic began. */
  readonly atMs: number;
  /** The phase of the test; '' if the test names none. */
  readonly phase: string;
}

/** The outcome of the traffic. */
export interface TrafficResult {
  readonly requests: number;
  /** Exchanges by the name of the flow. */
  readonly byFlow: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
}

/** A broken proxy must not fill the memory with failures. */
const MAX_FAILURES = 100;

/**
 * Runs all flows until `during` is done, and once more after it; `during` may name its phase. `pauseMs`: pause between two exchanges of a
 * flow, to leave CPU to others.
 */
export async function traffic(
  flows: readonly Flow[],
  during: (enter: (phase: string) => void) => Promise<unknown>,
  pauseMs = 0,
): Promise<TrafficResult> {
  const running = new Traffic(flows, pauseMs);
  try {
    await during((phase) => running.enter(phase));
  } finally {
    running.end();
  }
  return running.result();
}

class Traffic {
  readonly #began = performance.now();
  readonly #counts: Record<string, number> = {};
  readonly #failures: Failure[] = [];
  readonly #running: readonly Promise<void>[];
  readonly #pauseMs: number;
  #phase = '';
  #over = false;

  constructor(flows: readonly Flow[], pauseMs: number) {
    this.#pauseMs = pauseMs;
    this.#running = flows.map((flow) => this.#run(flow));
  }

  enter(phase: string): void {
    this.#phase = phase;
  }

  end(): void {
    this.#over = true;
  }

  async result(): Promise<TrafficResult> {
    await Promise.all(this.#running);
    const requests = Object.values(this.#counts).reduce((sum, each) => sum + each, 0);
    return { requests, byFlow: this.#counts, failures: this.#failures };
  }

  async #run(flow: Flow): Promise<void> {
    const exchanges = flow.open();
    for (let last = false; !last && this.#failures.length < MAX_FAILURES;) {
      last = this.#over;
      const phase = this.#phase;
      const reason = await exchanges.next().catch((error: unknown) => describe(error));
      this.#counts[flow.name] = (this.#counts[flow.name] ?? 0) + 1;
      const atMs = Math.round(performance.now() - this.#began);
      if (reason !== null) this.#failures.push({ flow: flow.name, reason, atMs, phase });
      if (this.#pauseMs > 0) await delay(this.#pauseMs);
    }
    await exchanges.close();
  }
}

function describe(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause === undefined ? String(error) : `${String(error)}: ${String(cause)}`;
}
