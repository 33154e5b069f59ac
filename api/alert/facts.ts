// The values that expressions of alert rules read, as data of one evaluation.
import type { StatusClass } from './subjects.ts';

/** A part of the traffic that an expression reads. `argument`: the share of `latency`, the seconds of `slow`; 0 for the others. */
export interface TrafficNeed {
  readonly of: 'classes' | 'codes' | 'latency' | 'slow';
  readonly ms: number;
  readonly argument: number;
}

/** Needs by a text that is the same for equal ones. */
export type TrafficNeeds = ReadonlyMap<string, TrafficNeed>;

/** What happened in a time: of a route or of all, requests that ended; of a backend, attempts that were answered or failed. */
export interface TrafficOf {
  readonly requests: number;
  /** Answers by class of their status. */
  readonly classes: Readonly<Partial<Record<StatusClass, number>>>;
  /** Failures by code (docs/reference/errors.md). */
  readonly codes: Readonly<Record<string, number>>;
  /** The latency that the share `q` of the requests does not exceed, seconds; 0 without requests. */
  readonly latency: (q: number) => number;
  /** The share of requests that take longer than so many seconds; 0 without requests. */
  readonly slowRatio: (seconds: number) => number;
}

/** Traffic by the length of the time, milliseconds. */
export type TrafficIn = (ms: number) => TrafficOf;

/** A subject of a rule: its labels, its values by name, and its traffic. */
export interface SubjectFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number | boolean>>;
  readonly traffic: TrafficIn;
}

const NOTHING: TrafficOf = { requests: 0, classes: {}, codes: {}, latency: () => 0, slowRatio: () => 0 };

/** The traffic of a subject that had none. */
export const NO_TRAFFIC: TrafficIn = () => NOTHING;

/** `traffic` in expressions. */
export class TrafficFacts {
  readonly in: TrafficIn;

  constructor(traffic: TrafficIn) {
    this.in = traffic;
  }
}
