// Which headers the filters of a route may change: all but those that a connection has for itself and those that frame a message,
// since only the codec that writes them knows what they must say.

/** What a filter does to a header. */
export type HeaderEdit = 'set' | 'add' | 'remove';

/** Which messages a filter changes. */
export type HeaderSide = 'request' | 'response';

const HOP_BY_HOP = 'belongs to one connection, and Weir writes its own for the next';
const FRAMING = 'frames the message, and Weir writes what its body is';

/** By name in lower case: why no filter may change it. */
const FIXED: ReadonlyMap<string, string> = new Map([
  ...['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'te', 'http2-settings'].map((name) => [name, HOP_BY_HOP] as const),
  // CGI and its kin read those with an underscore as the others.
  ...['content-length', 'content_length', 'transfer-encoding', 'transfer_encoding', 'trailer'].map((name) => [name, FRAMING] as const),
]);

/** Why a filter may not do this to a header (name in lower case), to follow the name in a sentence; null where it may. */
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

const HOST = /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** Whether a Host header may have this value. */
export function isHostValue(value: string): boolean {
  return value.length <= 255 && HOST.test(value);
}
