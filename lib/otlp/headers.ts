// Headers of requests to a collector. Their values may be secret: no error has one.

/** Names and values. */
export type Headers = readonly (readonly [string, string])[];

/** A header of HTTP that is also one of gRPC. */
const HEADER_NAME = /^[0-9a-z_.-]{1,128}$/;
const HEADER_VALUE = /^[\x20-\x7e]{0,8192}$/;

/** Lines of `name: value`; empty ones and those that begin with # are skipped. Throws without the value of a line, which may be secret. */
export function parseHeaderLines(lines: string): Headers {
  return lines.split('\n').flatMap((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const colon = trimmed.indexOf(':');
    const header = colon === -1 ? null : headerOf(trimmed.slice(0, colon), trimmed.slice(colon + 1));
    if (header === null) throw new Error(`line ${index + 1} of the file of headers is not NAME: VALUE`);
    return [header];
  });
}

/** A header; null if it is not valid. Names that end in -bin are those of binary values in gRPC. */
export function headerOf(name: string, value: string): readonly [string, string] | null {
  const [key, content] = [name.trim().toLowerCase(), value.trim()];
  return HEADER_NAME.test(key) && !key.endsWith('-bin') && HEADER_VALUE.test(content) ? [key, content] : null;
}
