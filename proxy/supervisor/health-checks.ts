// Active health checks in the supervisor: workers want probes, all workers get the results.
import type { Log } from '#lib/log.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { Broadcast } from '../exchange/notices.ts';
import type { ClientIdentity } from '../exchange/plan.ts';
import { HealthChecker } from '../health/health-checker.ts';
import { PROBE_FAULTS } from '../health/outcome.ts';
import type { ProbeOutcome } from '../health/outcome.ts';
import { logHealth } from './health-log.ts';

export class HealthChecks {
  readonly #checker: HealthChecker;
  readonly #outcomes = new Map<string, number>();

  /** `certificateOf`: the client certificate in a Secret (key). */
  constructor(broadcast: Broadcast, log: Log, certificateOf: (secret: string) => ClientIdentity | null) {
    this.#checker = new HealthChecker({
      certificateOf,
      changed: (change) => {
        logHealth(change, log);
        broadcast.publish('health', change.id, change.health);
      },
      forgotten: (id) => broadcast.publish('health', id, null),
      probed: (_, outcome) => this.#count(outcome),
    });
    broadcast.subscribe('probesWanted', (check, wanted, worker) => {
      this.#checker.want(`${worker} ${check}`, wanted === null ? [] : [wanted]);
    });
  }

  /** The replacement wants its probes anew; until then the results stay. */
  workerDied(worker: string): void {
    for (const owner of this.#checker.owners) if (owner.startsWith(`${worker} `)) this.#checker.want(owner, []);
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'weir_health_probes_total',
        type: 'counter',
        help: 'Finished probes of active health checks, by outcome',
        read: () =>
          ['passed', ...PROBE_FAULTS].flatMap((outcome) => {
            const value = this.#outcomes.get(outcome) ?? 0;
            return value === 0 ? [] : [{ labels: { outcome }, value }];
          }),
      },
      {
        name: 'weir_health_targets',
        type: 'gauge',
        help: 'Addresses with active health checks, by result',
        read: () => {
          const byHealth = Map.groupBy(this.#checker.results(), ({ health }) => health ?? 'unknown');
          return Array.from(byHealth, ([health, { length }]) => ({ labels: { health }, value: length }));
        },
      },
    ];
  }

  stop(): void {
    this.#checker.stop();
  }

  #count(outcome: ProbeOutcome): void {
    const name = outcome?.fault ?? 'passed';
    this.#outcomes.set(name, (this.#outcomes.get(name) ?? 0) + 1);
  }
}
