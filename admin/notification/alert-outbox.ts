// Alerts of the admin program on their way to the channels, through a controller. No request waits for them: they are tried again with growing
// pauses, and their number is limited.
import { MAX_LABEL, MAX_SUMMARY, type AdminAlertLabels, type AdminAlertName } from '#api/alert/admin-alerts.ts';
import { Backoff, type BackoffOptions } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import { single, type MetricFamily } from '#lib/metric.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { gathered, type Live } from '../live/live.ts';

/** An alert as it is told. Times are milliseconds since the epoch; `ends` 0: it has not ended. */
export interface OutgoingAlert {
  readonly alert: AdminAlertName;
  readonly labels: AdminAlertLabels;
  readonly summary: string;
  readonly starts: number;
  readonly ends: number;
}

export interface OutboxOptions {
  readonly live: Pick<Live, 'call'>;
  readonly log: Log;
  readonly backoff?: BackoffOptions;
}

/** An alert that waits. */
interface Waiting {
  /** The end of an alert takes the place of its beginning that is not told yet. */
  told: OutgoingAlert;
  readonly backoff: Backoff;
  /** The channels that still lack it; empty: all of them. */
  channels: readonly string[];
  attempts: number;
  timer: NodeJS.Timeout | null;
}

/** The answer of a controller. */
interface Telling {
  readonly withheld: string;
  readonly deliveries: readonly { readonly channel: string; readonly delivered: boolean; readonly reason: string }[];
}

const MAX_WAITING = 100;
/** The last attempt is about an hour after the first. */
const MAX_ATTEMPTS = 20;
const BACKOFF = { minimum: 1_000, maximum: 300_000 };
/** A controller gives each channel ten seconds. */
const DEADLINE_MS = 20_000;
const RESULTS = ['delivered', 'withheld', 'lost'] as const;
/** Characters that controllers refuse in labels and summaries. */
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

export class AlertOutbox {
  readonly #options: OutboxOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #counts = { delivered: 0, withheld: 0, lost: 0 };
  readonly #stop = new AbortController();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get families(): readonly MetricFamily[] {
    return [
      {
        name: 'weir_admin_alerts_total',
        type: 'counter',
        help: 'Alerts of the admin API, by what became of them',
        read: () => RESULTS.map((result) => ({ labels: { result }, value: this.#counts[result] })),
      },
      single('weir_admin_alerts_waiting', 'gauge', 'Alerts of the admin API that are not told yet', () => this.#waiting.size),
    ];
  }

  /** Tells an alert. If there is no room, it is lost, and the log says so. */
  tell({ labels, summary, ...rest }: OutgoingAlert): void {
    if (this.#stop.signal.aborted) return;
    const texts = Object.entries(labels).flatMap(([name, value]) => (value === '' ? [] : [[name, lineOf(value, MAX_LABEL)]]));
    const told = { ...rest, labels: Object.fromEntries(texts) as AdminAlertLabels, summary: lineOf(summary, MAX_SUMMARY) };
    const begun = [...this.#waiting].find((each) => isSame(each.told, told));
    if (begun !== undefined) {
      begun.told = told;
      return;
    }
    if (this.#waiting.size >= MAX_WAITING) return this.#lose(told, 'too many alerts wait');
    const backoff = new Backoff(this.#options.backoff ?? BACKOFF);
    const waiting: Waiting = { told, backoff, channels: [], attempts: 0, timer: null };
    this.#waiting.add(waiting);
    this.#try(waiting);
  }

  /** Ends all attempts. One that is under way at a slow receiver delays nothing. */
  close(): void {
    this.#stop.abort();
    for (const { timer } of this.#waiting) if (timer !== null) clearTimeout(timer);
  }

  #try(waiting: Waiting): void {
    this.#attempt(waiting).catch((error: unknown) => {
      this.#waiting.delete(waiting);
      this.#options.log.error({ err: error }, 'a bug stopped an alert of the admin API');
    });
  }

  async #attempt(waiting: Waiting): Promise<void> {
    waiting.attempts++;
    const { told } = waiting;
    const answer = await this.#send(waiting);
    if (this.#stop.signal.aborted) return;
    if (waiting.told !== told) {
      waiting.channels = [];
      return this.#attempt(waiting);
    }
    if (!answer.ok) return this.#again(waiting, answer.error);
    const failed = answer.value.deliveries.filter(({ delivered }) => !delivered);
    if (failed.length > 0) {
      waiting.channels = failed.map(({ channel }) => channel);
      return this.#again(waiting, failed.map(({ channel, reason }) => `${channel}: ${reason}`).join('; '));
    }
    this.#waiting.delete(waiting);
    // After an attempt that reached some channels, none is left if the others are gone.
    const isWithheld = answer.value.deliveries.length === 0 && waiting.channels.length === 0;
    this.#counts[isWithheld ? 'withheld' : 'delivered']++;
  }

  async #send({ told, channels }: Waiting): Promise<Result<Telling>> {
    const answer = await this.#options.live.call({
      ...{ operation: 'POST /alerts/told', input: { ...told, channels }, caller: 'admin program' },
      ...{ deadlineMs: DEADLINE_MS, signal: this.#stop.signal },
    });
    if (!answer.ok) return err(answer.error.reason);
    const whole = await gathered(answer.value);
    if (!whole.ok) return whole;
    return answer.value.status === 200 ? ok(whole.value as Telling) : err(`a controller answers with ${answer.value.status}`);
  }

  #again(waiting: Waiting, reason: string): void {
    const { told, backoff, attempts } = waiting;
    if (attempts >= MAX_ATTEMPTS) {
      this.#waiting.delete(waiting);
      return this.#lose(told, reason);
    }
    const pause = backoff.next();
    if (attempts === 1)
      this.#options.log.warn({ event: 'admin_alert_delayed', alert: told.alert, reason }, 'an alert of the admin API is not told yet');
    waiting.timer = setTimeout(() => this.#try(waiting), pause).unref();
  }

  #lose({ alert, summary }: OutgoingAlert, reason: string): void {
    this.#counts.lost++;
    this.#options.log.error({ event: 'admin_alert_lost', alert, summary, reason }, 'an alert of the admin API is told to no channel');
  }
}

function isSame(one: OutgoingAlert, other: OutgoingAlert): boolean {
  return one.alert === other.alert && one.starts === other.starts && JSON.stringify(one.labels) === JSON.stringify(other.labels);
}

function lineOf(text: string, length: number): string {
  return text.replace(CONTROLS, ' ').slice(0, length);
}
