// The open connections of a hub in a worker, with one timer for all of them.
import type { EventStream } from './event-stream.ts';
import type { HubPlan } from './hub-plan.ts';
import type { HubWebSocket } from './web-socket.ts';

type Connection = HubWebSocket | EventStream;

/** Lifetimes are looked at so often at least, milliseconds. */
const LOOK_EVERY_MS = 1_000;

export class HubConnections {
  readonly #plan: HubPlan;
  readonly #open = new Set<Connection>();
  #timer: NodeJS.Timeout | null = null;
  #beatAt = 0;

  constructor(plan: HubPlan) {
    this.#plan = plan;
  }

  /** False: there are as many as there may be. */
  add(connection: Connection): boolean {
    if (this.#open.size >= this.#plan.maxConnections) return false;
    this.#open.add(connection);
    this.#timer ??= this.#start();
    return true;
  }

  /** False: it is not among them. */
  delete(connection: Connection): boolean {
    const isOne = this.#open.delete(connection);
    if (this.#open.size === 0) this.#stop();
    return isOne;
  }

  close(end: (connection: Connection) => void): void {
    for (const connection of [...this.#open]) end(connection);
    this.#stop();
  }

  #start(): NodeJS.Timeout {
    const { heartbeat } = this.#plan;
    this.#beatAt = performance.now() + heartbeat;
    return setInterval(() => this.#look(), heartbeat === 0 ? LOOK_EVERY_MS : Math.min(heartbeat, LOOK_EVERY_MS)).unref();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const now = performance.now();
    const isBeat = this.#plan.heartbeat > 0 && now >= this.#beatAt;
    if (isBeat) this.#beatAt = now + this.#plan.heartbeat;
    for (const connection of [...this.#open]) connection.look(now, isBeat);
  }
}
