// The controller of fleets: the leader applies the desired objects of each Gateway, repairs drift, and removes objects that are no longer
// desired. The garbage collector removes the objects of deleted Gateways.
import { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import type { CompileDelta, DesiredFleet } from '../compile/result.ts';
import { WorkQueue } from '../status/work-queue.ts';
import type { WorkOutcome } from '../status/work-queue.ts';
import type { ApiClient } from '../watch/api-client.ts';
import type { AuthoritySource } from './authority.ts';
import { FleetError, FleetWriter } from './fleet-writer.ts';
import type { LiveFleets } from './live.ts';
import type { FleetSettings } from './manifest.ts';

export interface FleetsOptions {
  readonly client: ApiClient;
  readonly live: LiveFleets;
  readonly settings: FleetSettings;
  readonly authority: AuthoritySource;
  /** The uid of a Gateway; '' if it does not exist. */
  readonly gatewayUid: (gateway: string) => string;
  readonly leads: () => boolean;
  /** Called with the reason if the fleet of a Gateway cannot be created; with null once it exists. */
  readonly troubled: (gateway: string, message: string | null) => void;
  readonly log: Log;
  /** If absent, bugs are logged but not counted. */
  readonly faults?: Faults;
  readonly times?: FleetTimes;
}

/** Milliseconds. */
export interface FleetTimes {
  readonly retryMinimum: number;
  readonly retryMaximum: number;
  /** Delay before an object that another client changed is compared. */
  readonly reassert: number;
  /** Interval between two checks of everything: certificates and CAs expire. */
  readonly review: number;
}

export const FLEET_TIMES: FleetTimes = { retryMinimum: 500, retryMaximum: 10_000, reassert: 200, review: 3_600_000 };

const CONCURRENCY = 4;

export class Fleets {
  readonly #options: FleetsOptions;
  readonly #times: FleetTimes;
  readonly #writer: FleetWriter;
  readonly #queue: WorkQueue;
  readonly #desired = new Map<string, DesiredFleet>();
  readonly #failures = new Map<string, number>();
  readonly #review: NodeJS.Timeout;

  constructor(options: FleetsOptions) {
    this.#options = options;
    this.#times = options.times ?? FLEET_TIMES;
    this.#writer = new FleetWriter(options);
    this.#queue = new WorkQueue({
      concurrency: CONCURRENCY,
      open: () => this.#mayBegin(),
      work: (gateway) => this.#work(gateway),
      faults: options.faults ?? new Faults(options.log),
    });
    const review = Math.min(this.#times.review, options.settings.certificateLifetime / 10);
    this.#review = setInterval(() => this.resume(), review).unref();
    // A Gateway without objects is in no change of them: it waits for the moment at which all are known.
    options.live.listen({ changed: (gateway) => this.#changed(gateway), synced: () => this.resume() });
  }

  /** Takes the desired fleets from compile. */
  apply({ fleets, fleetsGone }: Pick<CompileDelta, 'fleets' | 'fleetsGone'>): void {
    for (const fleet of fleets) this.#desired.set(fleet.gateway, fleet);
    for (const gateway of fleetsGone) this.#desired.delete(gateway);
    for (const gateway of [...fleets.map((fleet) => fleet.gateway), ...fleetsGone]) {
      this.#failures.delete(gateway);
      this.#queue.request(gateway);
    }
  }

  /** This controller leads now, or knows all live objects. */
  resume(): void {
    for (const gateway of new Set([...this.#desired.keys(), ...this.#options.live.gateways()])) this.#queue.request(gateway);
  }

  stop(): Promise<void> {
    clearInterval(this.#review);
    return this.#queue.stop();
  }

  #mayBegin(): boolean {
    return this.#options.leads() && this.#options.live.isSynced;
  }

  #changed(gateway: string): void {
    if (this.#options.leads()) this.#queue.requestLater(gateway, this.#times.reassert);
  }

  async #work(gateway: string): Promise<WorkOutcome> {
    const fleet = this.#desired.get(gateway);
    try {
      if (fleet === undefined) {
        await this.#writer.takeAway(gateway);
        return { restMs: 0, again: false };
      }
      if (fleet.parameters !== null) await this.#writer.bring(fleet, fleet.parameters);
      this.#failures.delete(gateway);
      this.#options.troubled(gateway, null);
      return { restMs: 0, again: false };
    } catch (error) {
      return this.#failed(gateway, error);
    }
  }

  #failed(gateway: string, error: unknown): WorkOutcome {
    const failures = (this.#failures.get(gateway) ?? 0) + 1;
    this.#failures.set(gateway, failures);
    const { message } = error as Error;
    this.#options.log.warn(
      { gateway, reason: message, ...(error instanceof FleetError ? error.details : { err: error }) },
      'cannot create a fleet',
    );
    if (this.#desired.has(gateway)) this.#options.troubled(gateway, message);
    return { restMs: Math.min(this.#times.retryMaximum, this.#times.retryMinimum * 2 ** (failures - 1)), again: true };
  }
}
