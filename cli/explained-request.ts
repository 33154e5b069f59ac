// The request in `weir explain` and `weir try`, by flags.
import type { FlagGroup } from '#lib/flags.ts';
import { sampleRequest, type HeaderLine, type SampleRequest } from '../proxy/trial/sample-request.ts';
import { UsageError } from './command.ts';

/** The flags of a request besides its URL. */
export const REQUEST_FLAGS = {
  method: { default: 'GET', value: 'METHOD', text: 'method of the request', short: 'X' },
  header: { default: '', value: "'NAME: VALUE'", text: 'a header of the request', short: 'H', multiple: true },
} as const satisfies FlagGroup['flags'];

/** Parses the arguments; `headers` are lines of `name: value`. Throws a UsageError for a request that a proxy refuses. */
export function explainedRequest(text: string, method: string, headers: readonly string[]): SampleRequest {
  const asked = sampleRequest(text, method, headerLines(headers));
  if (!asked.ok) throw new UsageError(asked.error);
  return asked.value;
}

/** Lines of `name: value`. Throws a UsageError. */
export function headerLines(lines: readonly string[]): readonly HeaderLine[] {
  return lines.map(headerOf);
}

function headerOf(text: string): HeaderLine {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new UsageError(`-H ${JSON.stringify(text)}: expected name: value`);
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
}
