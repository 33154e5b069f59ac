// The request in `weir explain`, as a proxy sees it: with the checks of its codecs, and without the headers that they remove.
import { normaliseHost, normalisePath } from '#api/match/normalise.ts';
import type { OwnFields } from '#api/match/own-field.ts';
import type { MatchRequest } from '#api/match/table.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { parseLength } from '../proxy/codec/h1/fields.ts';
import { mayBeHopByHop } from '../proxy/codec/h1/field-names.ts';
import { UsageError } from './command.ts';

/** The flags of a request besides its URL. */
export const REQUEST_FLAGS = {
  method: { default: 'GET', value: 'METHOD', text: 'method of the request', short: 'X' },
  header: { default: '', value: "'NAME: VALUE'", text: 'a header of the request', short: 'H', multiple: true },
} as const satisfies FlagGroup['flags'];

/** A request and its destination port. */
export interface ExplainedRequest {
  readonly port: number;
  /** The request uses TLS. */
  readonly secured: boolean;
  readonly request: MatchRequest;
}

/** Parses the arguments; `headers` are lines of `name: value`. Throws a UsageError for a request that a proxy refuses. */
export function explainedRequest(text: string, method: string, headers: readonly string[]): ExplainedRequest {
  if (!URL.canParse(text)) throw new UsageError(`${JSON.stringify(text)} is not a URL`);
  if (method === 'CONNECT') throw new UsageError('the proxy refuses CONNECT');
  const url = new URL(text);
  const lines = headerLines(headers);
  const authority = valueOf(lines, 'host') ?? url.host;
  const host = normaliseHost(authority);
  // The path as written: URL resolves `..`, but the proxy normalises or refuses it.
  const path = normalisePath(/^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(text)?.[1] || '/');
  if (host === null) throw new UsageError('the proxy refuses this host');
  if (path === null) throw new UsageError('the proxy refuses this path');
  const secured = url.protocol === 'https:';
  const port = Number(url.port) || (secured ? 443 : 80);
  const own = ownFieldsOf(authority, lines);
  return { port, secured, request: { method, host, path, query: url.search.slice(1), headers: endToEnd(lines).flat(), own } };
}

/** Lines of `name: value`. Throws a UsageError. */
export function headerLines(lines: readonly string[]): readonly Line[] {
  return lines.map(headerOf);
}

type Line = readonly [name: string, value: string];

function headerOf(text: string): Line {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new UsageError(`-H ${JSON.stringify(text)}: expected name: value`);
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
}

function valueOf(lines: readonly Line[], name: string): string | null {
  return lines.find(([key]) => key === name)?.[1] ?? null;
}

function ownFieldsOf(authority: string, lines: readonly Line[]): OwnFields {
  const length = valueOf(lines, 'content-length');
  const contentLength = length === null ? -1 : parseLength(length);
  if (length !== null && contentLength < 0) throw new UsageError('the proxy refuses this Content-Length');
  const expect = valueOf(lines, 'expect')?.toLowerCase() ?? '';
  if (expect !== '' && expect !== '100-continue') throw new UsageError('the proxy refuses this Expect');
  return { authority, contentLength, expect, askedUpgrade: valueOf(lines, 'upgrade')?.toLowerCase() ?? '' };
}

/** Headers that codecs keep outside the list, or remove. */
const NOT_LISTED: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'expect', 'upgrade'],
  ...['connection', 'keep-alive', 'proxy-connection', 'http2-settings', 'transfer-encoding'],
]);

/** The list of headers that codecs make: without NOT_LISTED and the headers that Connection names, and with `te: trailers` only. */
function endToEnd(lines: readonly Line[]): Line[] {
  const named = lines
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(',')
        .map((option) => option.trim()),
    )
    .filter(mayBeHopByHop);
  return lines.flatMap(([name, value]): Line[] => {
    if (NOT_LISTED.has(name) || named.includes(name)) return [];
    if (name !== 'te') return [[name, value]];
    return value.toLowerCase() === 'trailers' ? [[name, 'trailers']] : [];
  });
}
