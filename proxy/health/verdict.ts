// The health of a target, from the outcomes of its probes: it changes after as many equal outcomes in a row as the check says.
import type { CheckPace, Health } from '../exchange/probe-target.ts';

export class Verdict {
  /** Null before the first outcome. */
  health: Health | null = null;
  /** Outcomes in a row that contradict the health. */
  #contrary = 0;
  readonly #thresholds: Pick<CheckPace, 'healthyThreshold' | 'unhealthyThreshold'>;

  constructor(thresholds: Pick<CheckPace, 'healthyThreshold' | 'unhealthyThreshold'>) {
    this.#thresholds = thresholds;
  }

  /** Takes an outcome. The first one decides at once. */
  take(passed: boolean): void {
    const shown: Health = passed ? 'healthy' : 'unhealthy';
    this.#contrary = shown === this.health ? 0 : this.#contrary + 1;
    const { healthyThreshold, unhealthyThreshold } = this.#thresholds;
    if (this.health !== null && this.#contrary < (passed ? healthyThreshold : unhealthyThreshold)) return;
    this.health = shown;
    this.#contrary = 0;
  }
}
