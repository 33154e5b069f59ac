// RequestHeaderModifier and ResponseHeaderModifier: set, add and remove headers.
import type * as ir from '#api/ir/ir.ts';
import { editObstacle, isHostValue, type HeaderEdit, type HeaderSide } from '#api/k8s/header-rules.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { addHeader, removeHeader, setHeader } from '../exchange/headers.ts';
import type { Headers } from '../exchange/headers.ts';
import type { FilterVerdict, RequestFilter, ResponseFilter } from '../exchange/plan.ts';
import type { FilterKind } from './filter.ts';
import { fieldValue, isFieldName } from './text.ts';

/** Drops edits of headers that filters may not change; api/k8s reports them to the owner of the route. */
class HeaderEdits {
  readonly #set: readonly ir.HeaderValue[];
  readonly #add: readonly ir.HeaderValue[];
  readonly #remove: readonly string[];

  constructor(side: HeaderSide, modification: ir.HeaderModification) {
    this.#set = writable(side, 'set', modification.set);
    this.#add = writable(side, 'add', modification.add);
    this.#remove = modification.remove.filter((name) => editObstacle(side, 'remove', name) === null);
  }

  apply(headers: Headers): void {
    for (const header of this.#set) setHeader(headers, header.name, header.value);
    for (const header of this.#add) addHeader(headers, header.name, header.value);
    for (const name of this.#remove) removeHeader(headers, name);
  }
}

class RequestHeaderModifier implements RequestFilter {
  readonly name = 'RequestHeaderModifier';
  readonly #edits: HeaderEdits;
  /** The value that codecs write as Host or `:authority`; null keeps it. */
  readonly #host: string | null;
  readonly #dropsExpect: boolean;

  constructor(modification: ir.HeaderModification) {
    const host = modification.set.find(({ name }) => name === 'host');
    this.#host = host !== undefined && isHostValue(host.value) ? host.value : null;
    this.#dropsExpect = modification.remove.includes('expect');
    this.#edits = new HeaderEdits('request', { ...modification, set: modification.set.filter(({ name }) => name !== 'host') });
  }

  request(exchange: Exchange): FilterVerdict {
    this.#edits.apply(exchange.requestHeaders);
    if (this.#host !== null) exchange.authority = this.#host;
    if (this.#dropsExpect && exchange.expectsContinue) dropExpect(exchange);
    return 'continue';
  }
}

/** The backend will not send a 100 any more, but the client waits for one (RFC 9110 section 10.1.1). */
function dropExpect(exchange: Exchange): void {
  exchange.expectsContinue = false;
  exchange.downstream.writeInformational(100, []);
}

class ResponseHeaderModifier implements ResponseFilter {
  readonly name = 'ResponseHeaderModifier';
  readonly #edits: HeaderEdits;

  constructor(modification: ir.HeaderModification) {
    this.#edits = new HeaderEdits('response', modification);
  }

  response(exchange: Exchange): void {
    this.#edits.apply(exchange.responseHeaders);
  }
}

function writable(side: HeaderSide, edit: HeaderEdit, headers: readonly ir.HeaderValue[]): readonly ir.HeaderValue[] {
  return headers
    .filter(({ name }) => isFieldName(name) && editObstacle(side, edit, name) === null)
    .map(({ name, value }) => ({ name, value: fieldValue(value) }));
}

/** Changes the headers of requests. */
export const requestHeaderModifier: FilterKind = {
  name: 'RequestHeaderModifier',
  ofRule: (filter) => (filter.type === 'RequestHeaderModifier' ? new RequestHeaderModifier(filter.headers) : null),
};

/** Changes the headers of answers. */
export const responseHeaderModifier: FilterKind = {
  name: 'ResponseHeaderModifier',
  ofRule: (filter) => (filter.type === 'ResponseHeaderModifier' ? new ResponseHeaderModifier(filter.headers) : null),
};
