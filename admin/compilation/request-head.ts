// The heads of requests in lines of the access log, as far as routing needs them.
import { normaliseHost, normalisePath } from '#api/match/normalise.ts';

/** A request that ended lately. */
export interface RequestHead {
  /** When it ended, milliseconds since the epoch. */
  readonly at: number;
  readonly method: string;
  /** Normalised, as the matcher takes them. */
  readonly host: string;
  readonly path: string;
  readonly query: string;
  /** Name in lower case, value, name, value, ...; those that the log has. */
  readonly headers: readonly string[];
  /** The key of its listener. */
  readonly listener: string;
  /** The rule that it had; '' without one. */
  readonly route: string;
  readonly consumer: string;
}

/** The head in a line; null if the line lacks a part that routing needs, or is of a connection. */
export function headOf(line: string, at: number): RequestHead | null {
  const fields = fieldsOf(line);
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  const [host, path] = [normaliseHost(text('authority')), normalisePath(text('path').split('?', 1)[0] ?? '')];
  if (host === null || path === null || text('method') === '' || text('listener') === '') return null;
  return {
    ...{ at, method: text('method'), host, path, query: text('query'), headers: headersOf(fields['requestHeaders']) },
    ...{ listener: text('listener'), route: text('route'), consumer: text('consumer') },
  };
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

function headersOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, text]) => (typeof text === 'string' ? [name.toLowerCase(), text] : []));
}
