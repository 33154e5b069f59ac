// A sample request as a proxy sees it: with the checks of its codecs, and without the headers that they remove.
import { normaliseHost, normalisePath } from '#api/match/normalise.ts';
import type { OwnFields } from '#api/match/own-field.ts';
import type { MatchRequest } from '#api/match/table.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { parseLength } from '../codec/h1/fields.ts';
import { mayBeHopByHop } from '../codec/h1/field-names.ts';

/** A header of a sample, with its name in lower case. */
export type HeaderLine = readonly [name: string, value: string];

/** A request and its destination port. */
export interface SampleRequest {
  readonly port: number;
  /** The request uses TLS. */
  readonly secured: boolean;
  readonly request: MatchRequest;
}

/** Makes the request to a URL. The error is a sentence: the proxy would refuse the request, or the text is no URL. */
export function sampleRequest(text: string, method: string, lines: readonly HeaderLine[]): Result<SampleRequest> {
  if (!URL.canParse(text)) return err(`${JSON.stringify(text)} is not a URL`);
  if (method === 'CONNECT') return err('the proxy refuses CONNECT');
  const url = new URL(text);
  const authority = valueOf(lines, 'host') ?? url.host;
  const host = normaliseHost(authority);
  // The path as written: URL resolves `..`, but the proxy normalises or refuses it.
  const path = normalisePath(/^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(text)?.[1] || '/');
  if (host === null) return err('the proxy refuses this host');
  if (path === null) return err('the proxy refuses this path');
  const own = ownFieldsOf(authority, lines);
  if (!own.ok) return own;
  const request = { method, host, path, query: url.search.slice(1), headers: endToEnd(lines).flat(), own: own.value };
  return ok({ ...placeOf(url), request });
}

function placeOf({ protocol, port }: URL): Pick<SampleRequest, 'port' | 'secured'> {
  const secured = protocol === 'https:';
  return { port: Number(port) || (secured ? 443 : 80), secured };
}

function valueOf(lines: readonly HeaderLine[], name: string): string | null {
  return lines.find(([key]) => key === name)?.[1] ?? null;
}

function ownFieldsOf(authority: string, lines: readonly HeaderLine[]): Result<OwnFields> {
  const length = valueOf(lines, 'content-length');
  const contentLength = length === null ? -1 : parseLength(length);
  if (length !== null && contentLength < 0) return err('the proxy refuses this Content-Length');
  const expect = valueOf(lines, 'expect')?.toLowerCase() ?? '';
  if (expect !== '' && expect !== '100-continue') return err('the proxy refuses this Expect');
  return ok({ authority, contentLength, expect, askedUpgrade: valueOf(lines, 'upgrade')?.toLowerCase() ?? '' });
}

/** Headers that codecs keep outside the list, or remove. */
const NOT_LISTED: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'expect', 'upgrade'],
  ...['connection', 'keep-alive', 'proxy-connection', 'http2-settings', 'transfer-encoding'],
]);

/** The list of headers that codecs make: without NOT_LISTED and the headers that Connection names, and with `te: trailers` only. */
function endToEnd(lines: readonly HeaderLine[]): HeaderLine[] {
  const named = lines
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(',')
        .map((option) => option.trim()),
    )
    .filter(mayBeHopByHop);
  return lines.flatMap(([name, value]): HeaderLine[] => {
    if (NOT_LISTED.has(name) || named.includes(name)) return [];
    if (name !== 'te') return [[name, value]];
    return value.toLowerCase() === 'trailers' ? [[name, 'trailers']] : [];
  });
}
