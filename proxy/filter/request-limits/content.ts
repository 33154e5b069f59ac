// What the head of a request tells about its body: whether it is JSON, and whether a coding hides it.
import type { Headers } from '../../exchange/headers.ts';

/** https://mimesniff.spec.whatwg.org/#json-mime-type */
const JSON_TYPES: ReadonlySet<string> = new Set(['application/json', 'text/json']);

/** Whether any Content-Type says JSON: a backend may read another one of several than the proxy. */
export function isJson(headers: Headers): boolean {
  return someValue(headers, 'content-type', (value) => {
    const type = (value.split(';', 1)[0] as string).trim();
    return JSON_TYPES.has(type) || (type.includes('/') && type.endsWith('+json'));
  });
}

/** Whether the body is not sent as it is. */
export function hidesContent(headers: Headers): boolean {
  return someValue(headers, 'content-encoding', (value) => value !== '' && value !== 'identity');
}

function someValue(headers: Headers, name: string, test: (value: string) => boolean): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    for (const value of (headers[i + 1] as string).split(',')) if (test(value.trim().toLowerCase())) return true;
  }
  return false;
}
