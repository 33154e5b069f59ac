// The headers that a route can match and that its filters can change: all except those of one connection and those that frame a message.
// Only the codec that reads or writes these knows their values.

/** The action of a filter on a header. */
export type HeaderEdit = 'set' | 'add' | 'remove';

/** The messages that a filter changes. */
export type HeaderSide = 'request' | 'response';

const HOP_BY_HOP = 'belongs to one connection, and Weir writes its own for the next';
const FRAMING = 'frames the message, and Weir writes what its body is';

/** By name in lower case: the reason why no filter may change the header. */
const FIXED: ReadonlyMap<string, string> = new Map([
  ...['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'te', 'http2-settings'].map((name) => [name, HOP_BY_HOP] as const),
  // CGI programs do not distinguish `_` from `-` in header names.
  ...['content-length', 'content_length', 'transfer-encoding', 'transfer_encoding', 'trailer'].map((name) => [name, FRAMING] as const),
]);

/** The reason why a filter may not do this to a header (name in lower case), as the end of a sentence after the name; null if it may. */
export function editObstacle(side: HeaderSide, edit: HeaderEdit, name: string): string | null {
  if (name === 'host') return hostObstacle(side, edit);
  if (name === 'expect') return expectObstacle(side, edit);
  return FIXED.get(name) ?? null;
}

function hostObstacle(side: HeaderSide, edit: HeaderEdit): string | null {
  if (side === 'response') return 'is a header of requests';
  return edit === 'set' ? null : 'can only be set: a request has exactly one';
}

function expectObstacle(side: HeaderSide, edit: HeaderEdit): string | null {
  if (side === 'response') return 'is a header of requests';
  return edit === 'remove' ? null : 'can only be removed: to wait for a 100 is up to the client';
}

const HOST = /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?$/;

/** Whether a Host header may have this value. */
export function isHostValue(value: string): boolean {
  const host = value.length <= 255 ? HOST.exec(value) : null;
  return host !== null && isPort(host[1] ?? '80');
}

/** Whether digits are a port number. */
export function isPort(digits: string): boolean {
  return Number(digits) >= 1 && Number(digits) <= 65_535;
}

/** Headers of one HTTP/1.1 connection: an HTTP/2 request has none of them, and an equivalent request may have different ones. */
const UNMATCHED = ['connection', 'keep-alive', 'proxy-connection', 'http2-settings', 'transfer-encoding'];
/** Requests with these are refused. */
const REFUSED = ['content_length', 'transfer_encoding'];

/** The reason why no route can match a header (name in lower case), as a sentence; null if one can. */
export function matchObstacle(name: string): string | null {
  if (UNMATCHED.includes(name)) return `${name} cannot be matched: it belongs to one connection of HTTP/1.1`;
  return REFUSED.includes(name) ? `${name} can match nothing: Weir refuses requests with it` : null;
}

/** The only values that the header can have in requests that reach routes. */
const POSSIBLE: ReadonlyMap<string, readonly [form: RegExp, expected: string]> = new Map([
  ['host', [HOST, 'must be a host, with a port or without']],
  ['content-length', [/^(?:0|[1-9][0-9]*)$/, 'must be a number without leading zeros']],
  ['expect', [/^100-continue$/i, 'must be 100-continue: Weir refuses any other']],
  ['te', [/^trailers$/i, 'must be trailers: any other belongs to one connection']],
]);

/** The reason why a header (name in lower case) never has this value, as a sentence; null if it can. */
export function valueObstacle(name: string, value: string): string | null {
  const possible = POSSIBLE.get(name);
  return possible === undefined || possible[0].test(value) ? null : possible[1];
}
