// The instances of a NATS service, by the micro protocol (ADR-32 of NATS): each poll asks all of them, and each answers by itself. An
// instance does not say that it leaves, so it leaves after it has missed several polls.
import { setTimeout as delay } from 'node:timers/promises';
import { err } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { quoted } from '#lib/destination.ts';
import { makeInstance, MAX_INSTANCES, objectOf } from '../instance.ts';
import type { Instance } from '../instance.ts';
import { Soon } from '../soon.ts';
import { NatsFault } from './connection.ts';
import type { NatsConnection } from './connection.ts';

/** Times of polls, milliseconds. */
export interface PollTimes {
  readonly interval: number;
  /** How long the first answers gather before the first report. */
  readonly settle: number;
  /** How long known instances stay after a new connection, since their own connections return one after the other. */
  readonly grace: number;
}

export const POLL_TIMES: PollTimes = { interval: 5_000, settle: 200, grace: 30_000 };

/** After so many polls without an answer an instance leaves. */
const MISSED_POLLS = 3;
const MAX_ID_LENGTH = 128;
/** Entries of the metadata with a meaning; all others are labels. */
const READ = new Set(['address', 'port', 'weight', 'zone']);

/** What polls tell. `leftOut`: the reasons of the instances that cannot be used. */
export type PollReport = (instances: readonly Instance[], leftOut: readonly string[]) => void;

/** The service to ask for. */
export interface ServiceQuestion {
  readonly name: string;
  /** The endpoint of the service with the address; absent means the first one. */
  readonly endpoint?: string;
}

interface Seen {
  readonly instance: Instance | null;
  readonly problem: string | null;
  readonly poll: number;
}

export class ServicePolls {
  readonly #question: ServiceQuestion;
  readonly #report: PollReport;
  readonly #times: PollTimes;
  /** By the id of the instance; those known before by their address. */
  readonly #seen = new Map<string, Seen>();
  readonly #changed = new Soon(() => this.#tell());
  #poll = 0;
  #isSettled = false;
  #told = '';

  /** `known`: instances of an earlier connection. */
  constructor(question: ServiceQuestion, known: readonly Instance[], report: PollReport, times: PollTimes = POLL_TIMES) {
    this.#question = question;
    this.#report = report;
    this.#times = times;
    for (const instance of known) this.#seen.set(placeOf(instance), { instance, problem: null, poll: 0 });
  }

  /** Polls until the connection or the signal ends. Throws a NatsFault. */
  async run(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const inbox = connection.inbox();
    const openedAt = performance.now();
    const failure = new AbortController();
    const ended = AbortSignal.any([signal, failure.signal]);
    const fail = (reason: NatsFault | null): void => {
      if (reason !== null) failure.abort(reason);
    };
    connection.subscribe(inbox, ({ payload }) => fail(this.#answered(payload)));
    connection.whenClosed(fail);
    while (!ended.aborted) {
      if (performance.now() - openedAt >= this.#times.grace) this.#dropMissing();
      this.#poll++;
      connection.publish(`$SRV.INFO.${this.#question.name}`, '', inbox);
      await this.#rest(ended);
    }
    this.#changed.stop();
    if (!signal.aborted && failure.signal.aborted) throw failure.signal.reason as NatsFault;
  }

  async #rest(ended: AbortSignal): Promise<void> {
    const pause = (ms: number): Promise<unknown> => delay(ms, undefined, { signal: ended, ref: false }).catch(() => undefined);
    if (!this.#isSettled) await pause(this.#times.settle);
    if (ended.aborted) return;
    this.#isSettled = true;
    this.#tell();
    await pause(this.#times.interval);
  }

  /** An empty message says that no instance is there; others that are not answers of the service are ignored. */
  #answered(payload: Buffer): NatsFault | null {
    const { id, name, ...info } = parse(payload) ?? {};
    if (name !== this.#question.name || typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH) return null;
    if (!this.#seen.has(id) && this.#seen.size >= MAX_INSTANCES) return new NatsFault(`reports more than ${MAX_INSTANCES} instances`);
    this.#note(id, read(info, this.#question.endpoint));
    if (this.#isSettled) this.#changed.ask();
    return null;
  }

  #note(id: string, made: Result<Instance>): void {
    const [instance, problem] = made.ok ? [made.value, null] : [null, `${quoted(id)} ${made.error}`];
    this.#seen.set(id, { instance, problem, poll: this.#poll });
    if (instance !== null) this.#seen.delete(placeOf(instance));
  }

  /** Removes the instances that have missed too many polls. */
  #dropMissing(): void {
    for (const [id, { poll }] of this.#seen) if (this.#poll - poll >= MISSED_POLLS) this.#seen.delete(id);
  }

  #tell(): void {
    const all = [...this.#seen.values()];
    const instances = all.flatMap(({ instance }) => instance ?? []);
    const leftOut = all.flatMap(({ problem }) => problem ?? []);
    const text = JSON.stringify([instances, leftOut]);
    if (text === this.#told) return;
    this.#told = text;
    this.#report(instances, leftOut);
  }
}

function placeOf({ address, port }: Instance): string {
  return `${address} ${port}`;
}

function parse(payload: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    return objectOf(JSON.parse(payload.toString('utf8'))) ?? null;
  } catch {
    return null;
  }
}

/** The instance by the metadata of the service, and over it that of the endpoint. */
function read(info: Readonly<Record<string, unknown>>, endpoint: string | undefined): Result<Instance> {
  const endpoints = (Array.isArray(info['endpoints']) ? (info['endpoints'] as unknown[]) : []).map((each) => objectOf(each) ?? {});
  const chosen = endpoint === undefined ? (endpoints[0] ?? {}) : endpoints.find(({ name }) => name === endpoint);
  if (chosen === undefined) return err('has no endpoint of the name');
  const metadata: Readonly<Record<string, unknown>> = { ...objectOf(info['metadata']), ...objectOf(chosen['metadata']) };
  const { address, port, weight, zone } = metadata;
  const others = Object.entries(metadata).filter(([key]) => !READ.has(key) && !key.startsWith('_nats.'));
  const version = typeof info['version'] === 'string' ? { version: info['version'] } : {};
  return makeInstance({ address, port, weight, zone, labels: { ...version, ...Object.fromEntries(others) } });
}
