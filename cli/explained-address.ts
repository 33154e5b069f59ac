// The address in `weir explain ADDRESS`: a URL, or HOST:PORT with the protocol of the listener.
import { normaliseHost } from '#api/match/normalise.ts';
import { UsageError } from './command.ts';

const SCHEMES = ['http', 'https', 'tcp', 'tls', 'udp'] as const;
/** The protocol of the client. `ws` and `wss` count as the protocol of their first request. */
export type Scheme = (typeof SCHEMES)[number];

/** The port of an address without one. */
const DEFAULT_PORTS: Readonly<Partial<Record<Scheme, number>>> = { http: 80, https: 443, tls: 443 };
const ALIASES: Readonly<Record<string, Scheme>> = { ws: 'http', wss: 'https' };

export interface Address {
  /** Null means the protocol of the listener. */
  readonly scheme: Scheme | null;
  /** As written, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The text after the scheme, as written. */
  readonly rest: string;
}

/** Parses an address. Throws a UsageError that shows the syntax. */
export function parseAddress(text: string): Address {
  const [, word = '', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? [];
  const scheme = schemeOf(text, word.toLowerCase());
  if (!URL.canParse(`http://${rest}`) || !URL.canParse(`any://${rest}`)) throw wrong(text);
  const host = new URL(`http://${rest}`).hostname.replace(/^\[(.*)\]$/, '$1');
  // URL drops the default port of a known scheme; an unknown scheme keeps every port.
  const url = new URL(`any://${rest}`);
  if (isStream(scheme) && hasPath(url)) throw new UsageError(`${JSON.stringify(text)}: a ${scheme ?? ''} address has no path`);
  const port = portOf(url, scheme, text);
  return { scheme, host: normaliseHost(host) ?? host, port, rest };
}

function portOf({ port, host }: URL, scheme: Scheme | null, text: string): number {
  const number = port === '' ? defaultPort(scheme) : Number(port);
  if (number === null) throw new UsageError(`${JSON.stringify(text)} names no port: write ${exampleWith(scheme, host)}`);
  if (number === 0) throw wrong(text);
  return number;
}

function hasPath({ pathname, search }: URL): boolean {
  return `${pathname}${search}`.length > 1;
}

function defaultPort(scheme: Scheme | null): number | null {
  return scheme === null ? null : (DEFAULT_PORTS[scheme] ?? null);
}

function isStream(scheme: Scheme | null): boolean {
  return scheme === 'tcp' || scheme === 'tls' || scheme === 'udp';
}

function schemeOf(text: string, word: string): Scheme | null {
  if (word === '') return null;
  const known = ALIASES[word] ?? SCHEMES.find((scheme) => scheme === word);
  if (known !== undefined) return known;
  throw new UsageError(
    `${JSON.stringify(text)}: no listener speaks ${word}; use one of: ${[...SCHEMES, ...Object.keys(ALIASES)].join(', ')}`,
  );
}

function exampleWith(scheme: Scheme | null, host: string): string {
  return scheme === null ? `${host}:PORT, or http://${host}/ for port 80` : `${scheme}://${host}:PORT`;
}

/** The error for a text that is not an address. */
function wrong(text: string): UsageError {
  return new UsageError(`${JSON.stringify(text)} is neither a URL (http://HOST:PORT/PATH, https, tcp, tls, udp) nor HOST:PORT`);
}
