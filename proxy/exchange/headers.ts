// Header lists: flat arrays [name, value, name, value, ...], with names in lower case, in the order received. The wire has the same form,
// so no object per request is needed.

/** Flat list of names (lower case) and values. */
export type Headers = string[];

/** An empty list; never changed. */
export const NO_HEADERS: Headers = [];

/** The first value of a header, or null. `name` in lower case. */
export function getHeader(headers: readonly string[], name: string): string | null {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) return headers[i + 1] as string;
  }
  return null;
}

/** Whether the list has a header. */
export function hasHeader(headers: readonly string[], name: string): boolean {
  return getHeader(headers, name) !== null;
}

/** All values of a header joined as RFC 9110 section 5.3 allows, or null. */
export function joinHeader(headers: readonly string[], name: string): string | null {
  let joined: string | null = null;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) joined = joined === null ? (headers[i + 1] as string) : `${joined}, ${headers[i + 1]}`;
  }
  return joined;
}

/** Appends a header and keeps others with the same name. */
export function addHeader(headers: Headers, name: string, value: string): void {
  headers.push(name, value);
}

/** Replaces all headers with a name by one, in the position of the first. */
export function setHeader(headers: Headers, name: string, value: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    headers[i + 1] = value;
    removeFrom(headers, name, i + 2);
    return;
  }
  headers.push(name, value);
}

/** Removes all headers with a name. */
export function removeHeader(headers: Headers, name: string): void {
  removeFrom(headers, name, 0);
}

function removeFrom(headers: Headers, name: string, start: number): void {
  let kept = start;
  for (let i = start; i < headers.length; i += 2) {
    if (headers[i] === name) continue;
    if (kept !== i) {
      headers[kept] = headers[i] as string;
      headers[kept + 1] = headers[i + 1] as string;
    }
    kept += 2;
  }
  headers.length = kept;
}
