// The scheme, authority and port of a request from the client's point of view, as reported by trusted proxies.
import { normaliseHost } from '#api/match/normalise.ts';
import type { Exchange } from '../exchange/exchange.ts';

const WELL_KNOWN = { http: 80, https: 443 } as const;
const MAX_PORT = 65_535;
const X = 0x78;

interface ClientUrl {
  /** As in the header, '' if absent. */
  toldScheme: string;
  toldAuthority: string;
  toldPort: string;
  /** The results. */
  scheme: 'http' | 'https';
  /** '' unless a proxy reports a different one. */
  authority: string;
  port: number;
}

/** Of the last request. One per worker: reading is synchronous. */
export const clientUrl: ClientUrl = { toldScheme: '', toldAuthority: '', toldPort: '', scheme: 'http', authority: '', port: 0 };

/** Reads X-Forwarded-Proto, -Host and -Port, replacing earlier values. */
export function readHeaders(headers: readonly string[]): void {
  clientUrl.toldScheme = clientUrl.toldAuthority = clientUrl.toldPort = '';
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).charCodeAt(0) === X) takeHeader(headers[i] as string, headers[i + 1] as string);
  }
}

function takeHeader(name: string, value: string): void {
  if (name === 'x-forwarded-proto') clientUrl.toldScheme = lastOf(value);
  else if (name === 'x-forwarded-host') clientUrl.toldAuthority = lastOf(value);
  else if (name === 'x-forwarded-port') clientUrl.toldPort = lastOf(value);
}

/** The last element: the value of the peer itself. */
function lastOf(value: string): string {
  const comma = value.lastIndexOf(',');
  return comma < 0 ? value : value.slice(comma + 1).trim();
}

/** Uses the reported values if they are valid, otherwise those of the connection. */
export function resolve({ connection, authority }: Exchange): void {
  const { toldScheme, toldAuthority, toldPort } = clientUrl;
  const scheme = schemeOf(toldScheme);
  clientUrl.scheme = scheme ?? (connection.tls === null ? 'http' : 'https');
  clientUrl.authority = toldAuthority !== '' && normaliseHost(toldAuthority) !== null ? toldAuthority : '';
  const byScheme = scheme === null ? connection.localPort : WELL_KNOWN[scheme];
  clientUrl.port = numberOf(toldPort, 0) || portOf(clientUrl.authority === '' ? authority : clientUrl.authority) || byScheme;
}

/** Some proxies send the scheme of a WebSocket. */
function schemeOf(text: string): 'http' | 'https' | null {
  switch (text.toLowerCase()) {
    case 'https':
    case 'wss':
      return 'https';
    case 'http':
    case 'ws':
      return 'http';
    default:
      return null;
  }
}

/** 0 if an authority has none. */
function portOf(authority: string): number {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? numberOf(authority, colon + 1) : 0;
}

/** The port in `text` from `start` on, or 0. */
function numberOf(text: string, start: number): number {
  let port = 0;
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return 0;
    port = port * 10 + digit;
  }
  return port <= MAX_PORT ? port : 0;
}
