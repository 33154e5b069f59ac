// The proxies in front that a listener trusts for information about clients. It is applied before anything else, so that logs, routes,
// filters and backends all use the same client.
import { writeAddress } from '#lib/address-words.ts';
import type { DownstreamConnection, Exchange } from '../exchange/exchange.ts';
import { withDashes } from '../exchange/forwarded-names.ts';
import { AddressList, readNode } from './address-list.ts';
import { clientUrl, readHeaders, resolve } from './client-url.ts';
import { forwardedElement, readElement } from './forwarded-element.ts';
import type { TrustedSources } from './trusted-sources.ts';

const CHAIN = 'x-forwarded-for';
const FORWARDED = 'forwarded';
/** The maximum number of proxies of a request. */
const MAX_HOPS = 32;

/** The settings in the form of a policy. */
export interface TrustedProxiesOptions {
  /** The number of trusted proxies in a row; Infinity: as many as `sources` has. */
  readonly hops: number;
  /** The addresses of trusted proxies; null: all peers are trusted. */
  readonly sources: TrustedSources | null;
  /** The header with the address of the client, in lower case: X-Forwarded-For, Forwarded, or one with only that address. */
  readonly header: string;
  /** Requests without that information are refused. */
  readonly failClosed: boolean;
}

const NONE: readonly string[] = [];

/** The state of the current request. One per worker: reading is synchronous. */
const list = new AddressList();
let address = '';
let chain = '';
let elements = '';

export class TrustedProxies {
  readonly #options: TrustedProxiesOptions;
  /** The header with a single address, as compared; '' for a list. */
  readonly #single: string;
  readonly #maxHops: number;
  readonly #minHops: number;
  /** Whether the peers of connections are trusted: determined once for each. */
  readonly #peers = new WeakMap<DownstreamConnection, boolean>();

  constructor(options: TrustedProxiesOptions) {
    const { hops, sources, header } = options;
    this.#options = options;
    this.#single = header === CHAIN || header === FORWARDED ? '' : withDashes(header);
    this.#maxHops = Math.min(hops, MAX_HOPS);
    this.#minHops = sources === null ? hops : 1;
  }

  /** Sets the client of an exchange, if its peer is trusted. False: required information is missing, and the request must be refused. */
  identify(exchange: Exchange): boolean {
    if (!this.trustsPeer(exchange.connection)) {
      if (this.#single !== '') this.#removeSingle(exchange, '');
      return true;
    }
    address = chain = exchange.connection.remoteAddress;
    elements = '';
    const isElement = this.#options.header === FORWARDED;
    readHeaders(isElement ? NONE : exchange.requestHeaders);
    const isKnown = this.#single === '' ? this.#readList(exchange) : this.#readSingle(exchange);
    if (!isKnown && this.#options.failClosed) return false;
    resolve(exchange);
    const { scheme, authority, port } = clientUrl;
    exchange.client = { address, chain, elements: isElement ? elements : null, scheme, authority, port };
    return true;
  }

  /** Whether the peer of a connection may report another client. */
  trustsPeer(connection: DownstreamConnection): boolean {
    const { sources } = this.#options;
    if (sources === null) return true;
    let isTrusted = this.#peers.get(connection);
    if (isTrusted === undefined) {
      isTrusted = sources.trusts(connection.remoteAddress);
      this.#peers.set(connection, isTrusted);
    }
    return isTrusted;
  }

  /** Follows the list to the first address that is not a trusted proxy. False: there is none. */
  #readList({ requestHeaders }: Exchange): boolean {
    const { header, sources } = this.#options;
    const isElement = header === FORWARDED;
    list.open(requestHeaders, header, isElement);
    for (let hops = 0; hops < this.#maxHops; hops++) {
      if (!list.next()) return hops >= this.#minHops;
      const version = isElement ? readFor() : readNode(list.text, list.start, list.end);
      if (version === 0) return false;
      takeAddress(version);
      if (isElement) elements = joined(list.text.slice(list.start, list.end), elements);
      if (sources !== null && !sources.trustsRead(version)) return true;
    }
    return this.#options.hops <= MAX_HOPS || !list.next();
  }

  #readSingle(exchange: Exchange): boolean {
    const headers = exchange.requestHeaders;
    let value = '';
    let lines = 0;
    for (let i = 0; i < headers.length; i += 2) {
      if (headers[i] !== this.#options.header) continue;
      value = headers[i + 1] as string;
      lines++;
    }
    const version = lines === 1 ? readNode(value, 0, value.length) : 0;
    this.#removeSingle(exchange, version === 0 ? '' : this.#options.header);
    if (version === 0) return false;
    takeAddress(version);
    return true;
  }

  /** Removes the header in every spelling except the trusted one. */
  #removeSingle({ requestHeaders }: Exchange, kept: string): void {
    for (let i = requestHeaders.length - 2; i >= 0; i -= 2) {
      const name = requestHeaders[i] as string;
      if (name.length === this.#single.length && name !== kept && withDashes(name) === this.#single) requestHeaders.splice(i, 2);
    }
  }
}

/** The address of the current element, as `readNode`. Its other values count even if it hides the address. */
function readFor(): 0 | 4 | 6 {
  if (!readElement(list.text, list.start, list.end)) return 0;
  clientUrl.toldScheme = forwardedElement.proto;
  clientUrl.toldAuthority = forwardedElement.host;
  return readNode(forwardedElement.for, 0, forwardedElement.for.length);
}

function takeAddress(version: 4 | 6): void {
  address = writeAddress(version);
  chain = joined(address, chain);
}

function joined(element: string, rest: string): string {
  return rest === '' ? element : `${element}, ${rest}`;
}
