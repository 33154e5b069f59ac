// RequestHeaderModifier and ResponseHeaderModifier: set, add and remove headers.
import type * as ir from '#api/ir/ir.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { addHeader, removeHeader, setHeader } from '../exchange/headers.ts';
import type { Headers } from '../exchange/headers.ts';
import type { FilterVerdict, RequestFilter, ResponseFilter } from '../exchange/plan.ts';
import type { FilterFactory } from './filter.ts';
import { fieldValue, isFieldName } from './text.ts';

/** Headers that belong to the connection or the framing: the codec writes them, nobody else. */
const PROTECTED = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
  'expect',
  'http2-settings',
]);

class HeaderModifier implements RequestFilter, ResponseFilter {
  readonly name: string;
  readonly #set: readonly ir.HeaderValue[];
  readonly #add: readonly ir.HeaderValue[];
  readonly #remove: readonly string[];

  constructor(name: string, modification: ir.HeaderModification) {
    this.name = name;
    this.#set = writable(modification.set);
    this.#add = writable(modification.add);
    this.#remove = modification.remove.filter((header) => !PROTECTED.has(header));
  }

  request(exchange: Exchange): FilterVerdict {
    this.#apply(exchange.requestHeaders);
    return 'continue';
  }

  response(exchange: Exchange): void {
    this.#apply(exchange.responseHeaders);
  }

  #apply(headers: Headers): void {
    for (const header of this.#set) setHeader(headers, header.name, header.value);
    for (const header of this.#add) addHeader(headers, header.name, header.value);
    for (const name of this.#remove) removeHeader(headers, name);
  }
}

function writable(headers: readonly ir.HeaderValue[]): readonly ir.HeaderValue[] {
  return headers
    .filter(({ name }) => isFieldName(name) && !PROTECTED.has(name))
    .map(({ name, value }) => ({ name, value: fieldValue(value) }));
}

/** Changes the headers of requests. */
export const requestHeaderModifier: FilterFactory = {
  request: (filter) => (filter.type === 'RequestHeaderModifier' ? new HeaderModifier(filter.type, filter.headers) : null),
};

/** Changes the headers of answers. */
export const responseHeaderModifier: FilterFactory = {
  response: (filter) => (filter.type === 'ResponseHeaderModifier' ? new HeaderModifier(filter.type, filter.headers) : null),
};
