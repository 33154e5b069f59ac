// The limits of all that is read: small input can describe large values.
import { ProtobufFault } from './fault.ts';

export interface ProtobufLimits {
  /** Messages inside of messages, and values of `google.protobuf.Value` and of JSON inside of others. */
  readonly maxDepth: number;
  /** Values of a message: each scalar counts as one, each message and unknown field as `MESSAGE_UNITS`. About 16 bytes of memory each. */
  readonly maxUnits: number;
}

export const PROTOBUF_LIMITS: ProtobufLimits = Object.freeze({ maxDepth: 100, maxUnits: 1_000_000 });

/** A message, or an object of JSON, in the units of its scalars. */
export const MESSAGE_UNITS = 8;

/** Counts what one message takes of the limits. */
export class Allowance {
  #depth: number;
  #units: number;

  constructor({ maxDepth, maxUnits }: ProtobufLimits) {
    this.#depth = maxDepth;
    this.#units = maxUnits;
  }

  /** A message begins. */
  enter(): void {
    if (--this.#depth < 0) throw new ProtobufFault('it is nested too deeply');
    this.take(MESSAGE_UNITS);
  }

  leave(): void {
    this.#depth++;
  }

  take(units: number): void {
    this.#units -= units;
    if (this.#units < 0) throw new ProtobufFault('it has too many values');
  }
}
