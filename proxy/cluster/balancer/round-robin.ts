// Round robin: in turn, and in proportion to the weights if they differ.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { Rotation } from './rotation.ts';
import { Schedule } from './schedule.ts';

export class RoundRobin implements Balancer {
  #turns: Rotation | Schedule = new Rotation();

  update(candidates: readonly Candidate[]): void {
    const equal = candidates.every(({ weight }) => weight === candidates[0]?.weight);
    if (equal !== this.#turns instanceof Rotation) this.#turns = equal ? new Rotation() : new Schedule();
    this.#turns.update(candidates);
  }

  pick(hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    return this.#turns.pick(hash, tried);
  }
}
