// The beginnings of bodies that a policy logs: a filter fills them while the bodies pass, and the log reads them at the end.
import type { Exchange } from './exchange.ts';
import { Slot } from './slot.ts';

/** The beginning of one body. */
export class BodyStart {
  /** Its Content-Type. */
  readonly type: string;
  readonly #most: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(type: string, most: number) {
    this.type = type;
    this.#most = most;
  }

  /** Copies what there is room for. */
  add(chunk: Buffer): void {
    const room = this.#most - this.#bytes;
    if (room <= 0) return;
    this.#chunks.push(Buffer.from(chunk.subarray(0, room)));
    this.#bytes += Math.min(room, chunk.length);
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

const requests = new Slot<BodyStart>();
const responses = new Slot<BodyStart>();

/** The places of both bodies in an exchange. */
export const LOGGED_BODIES: { readonly request: Slot<BodyStart>; readonly response: Slot<BodyStart> } = Object.freeze({
  request: requests,
  response: responses,
});

/** The logged body of an exchange; null without one. */
export function loggedBody(exchange: Exchange, side: 'request' | 'response'): BodyStart | null {
  return LOGGED_BODIES[side].get(exchange);
}
