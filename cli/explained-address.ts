// The address that `weir explain` is asked about: a URL, or HOST:PORT where the listener tells the protocol.
import { normaliseHost } from '#api/match/normalise.ts';
import { UsageError } from './command.ts';

const SCHEMES = ['http', 'https', 'tcp', 'tls', 'udp'] as const;
/** What a client is about to speak; of `ws` and `wss` that of the request that they begin with. */
export type Scheme = (typeof SCHEMES)[number];

/** With which port each comes where none is named. */
const DEFAULT_PORTS: Readonly<Partial<Record<Scheme, number>>> = { http: 80, https: 443, tls: 443 };
const ALIASES: Readonly<Record<string, Scheme>> = { ws: 'http', wss: 'https' };

export interface Address {
  /** Null: that of the listener. */
  readonly scheme: Scheme | null;
  /** As written, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Everything behind the scheme, as written. */
  readonly rest: string;
}

/** Reads it. Throws a UsageError that says what an address looks like. */
export function parseAddress(text: string): Address {
  const [, word = '', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? [];
  const scheme = schemeOf(text, word.toLowerCase());
  if (!URL.canParse(`http://${rest}`) || !URL.canParse(`any://${rest}`)) throw wrong(text);
  const host = new URL(`http://${rest}`).hostname.replace(/^\[(.*)\]$/, '$1');
  // A scheme without a default port keeps the port that is written.
  const url = new URL(`any://${rest}`);
  if (isStream(scheme) && hasPath(url)) throw new UsageError(`${JSON.stringify(text)}: a connection of ${scheme ?? ''} has no path`);
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
    `${JSON.stringify(text)}: no listener speaks ${word}; there are: ${[...SCHEMES, ...Object.keys(ALIASES)].join(', ')}`,
  );
}

function exampleWith(scheme: Scheme | null, host: string): string {
  return scheme === null ? `${host}:PORT, or http://${host}/ for port 80` : `${scheme}://${host}:PORT`;
}

/** The text is no address. */
function wrong(text: string): UsageError {
  return new UsageError(`${JSON.stringify(text)} is neither a URL (http://HOST:PORT/PATH, https, tcp, tls, udp) nor HOST:PORT`);
}
