// Constant traffic while something happens: every answer is judged, none may be missing, and what fails says when and during what.
import { setTimeout as delay } from 'node:timers/promises';

/** One stream of exchanges, one after another: a call, a request, a message there and back. */
export interface Exchanges {
  /** Does one; resolves to null when it is right, else to what is wrong with it. A rejection is wrong too. */
  next(): Promise<string | null>;
  close(): unknown;
}

/** A kind of traffic, see flows.ts. */
export interface Flow {
  readonly name: string;
  open(): Exchanges;
}

/** An exchange that did not go well. */
export interface Failure {
  readonly flow: string;
  readonly reason: string;
  /** Milliseconds since the traffic began. */
  readonly atMs: number;
  /** What was being done; '' where the test does not say. */
  readonly phase: string;
}

/** What a traffic saw. */
export interface TrafficResult {
  readonly requests: number;
  /** Exchanges by the name of the flow. */
  readonly byFlow: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
}

/** A broken proxy must not fill the memory with failures. */
const MAX_FAILURES = 100;

/**
 * Runs all flows until `during` is done, and once more after it; `during` may say in which phase it is.
 * `pauseMs` between two exchanges of a flow leaves the machine to others.
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
