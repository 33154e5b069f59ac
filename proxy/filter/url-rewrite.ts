// URLRewrite: changes host and path of a request to the backend.
import type { Exchange } from '../exchange/exchange.ts';
import type { FilterVerdict, RequestFilter } from '../exchange/plan.ts';
import type * as ir from '#api/ir/ir.ts';
import type { FilterKind } from './filter.ts';
import { modifyPath, preparePathModifier } from './path-modifier.ts';
import { targetText } from './text.ts';

class UrlRewrite implements RequestFilter {
  readonly name = 'URLRewrite';
  readonly #hostname: string | null;
  readonly #path: ir.PathModifier | null;

  constructor(filter: ir.UrlRewrite) {
    this.#hostname = filter.hostname === null ? null : targetText(filter.hostname);
    this.#path = preparePathModifier(filter.path);
  }

  request(exchange: Exchange): FilterVerdict {
    if (this.#hostname !== null) exchange.authority = this.#hostname;
    if (this.#path !== null) exchange.path = modifyPath(this.#path, exchange.path, exchange.prefixLength);
    return 'continue';
  }
}

export const urlRewrite: FilterKind = {
  name: 'URLRewrite',
  ofRule: (filter) => (filter.type === 'URLRewrite' ? new UrlRewrite(filter) : null),
};
