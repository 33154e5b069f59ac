// A reader of HTTP/1.1 messages for tests: lenient, slow, and written separately from Weir so that they share no bugs.

/** One message as received (latin1). */
export interface Message {
  readonly raw: string;
  readonly startLine: string;
  /** Names in lower case, in order. */
  readonly headers: readonly (readonly [string, string])[];
  /** The body without its framing. */
  readonly body: string;
  readonly trailers: string;
}

/** The first value of a header, or undefined. */
export function header(message: Message, name: string): string | undefined {
  return message.headers.find(([key]) => key === name)?.[1];
}

/** Messages as received, without the Date header of a proxy. */
export function withoutDate(raw: string): string {
  return raw.replace(/^date: [^\r]*\r\n/gm, '');
}

/** Status of an answer. */
export function status(message: Message): number {
  return Number(message.startLine.split(' ')[1]);
}

/** The first message in `text`, or null if it is incomplete. `bodiless`: its headers announce a body that does not follow. */
export function readMessage(text: string, ended: boolean, bodiless = false): Message | null {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [startLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const headers = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const);
  const rest = text.slice(headEnd + 4);
  const body = readBody(startLine, new Map(headers), rest, { ended, bodiless });
  if (body === null) return null;
  return { raw: text.slice(0, headEnd + 4 + body.octets), startLine, headers, body: body.text, trailers: body.trailers };
}

interface Body {
  readonly text: string;
  readonly octets: number;
  readonly trailers: string;
}

function readBody(
  startLine: string,
  headers: ReadonlyMap<string, string>,
  rest: string,
  how: { readonly ended: boolean; readonly bodiless: boolean },
): Body | null {
  if (startLine.startsWith('HTTP/') && (how.bodiless || isBodiless(Number(startLine.split(' ')[1]))))
    return { text: '', octets: 0, trailers: '' };
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(rest);
  const length = headers.get('content-length') ?? (startLine.startsWith('HTTP/') ? null : '0');
  if (length === null) return how.ended ? { text: rest, octets: rest.length, trailers: '' } : null;
  const octets = Number(length);
  return rest.length < octets ? null : { text: rest.slice(0, octets), octets, trailers: '' };
}

function isBodiless(code: number): boolean {
  return code < 200 || code === 204 || code === 304;
}

function readChunks(rest: string): Body | null {
  let text = '';
  let position = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', position);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(rest.slice(position, lineEnd), 16);
    if (size === 0) return readTrailers(rest, lineEnd + 2, text);
    text += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    position = lineEnd + 4 + size;
    if (position > rest.length) return null;
  }
}

function readTrailers(rest: string, start: number, text: string): Body | null {
  if (rest.startsWith('\r\n', start)) return { text, octets: start + 2, trailers: '' };
  const end = rest.indexOf('\r\n\r\n', start);
  return end < 0 ? null : { text, octets: end + 4, trailers: rest.slice(start, end) };
}
