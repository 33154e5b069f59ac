// RequestMirror: sends a copy of some requests to another cluster; the original never waits for it.
import type { Exchange } from '../exchange/exchange.ts';
import type { FilterVerdict, RequestFilter } from '../exchange/plan.ts';
import type * as ir from '#api/ir/ir.ts';
import type { FilterKind, MirrorSender } from './filter.ts';

class RequestMirror implements RequestFilter {
  readonly name = 'RequestMirror';
  readonly #cluster: string;
  readonly #fraction: number;
  readonly #sender: MirrorSender;

  constructor(filter: ir.RequestMirror, sender: MirrorSender) {
    this.#cluster = filter.cluster;
    this.#fraction = filter.numerator / filter.denominator;
    this.#sender = sender;
  }

  request(exchange: Exchange): FilterVerdict {
    if (this.#fraction >= 1 || Math.random() < this.#fraction) this.#sender.mirror(exchange, this.#cluster);
    return 'continue';
  }
}

export const requestMirror: FilterKind = {
  name: 'RequestMirror',
  ofRule: (filter, dependencies) => (filter.type === 'RequestMirror' ? new RequestMirror(filter, dependencies.mirror) : null),
};
