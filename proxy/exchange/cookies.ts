// The cookies of a request (RFC 6265 section 4.2).

/** The first cookie with the name (RFC 6265 section 4.2.1), or null. */
export function cookieValue(headers: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== 'cookie') continue;
    const value = cookieIn(headers[i + 1] as string, name);
    if (value !== null) return value;
  }
  return null;
}

function cookieIn(list: string, name: string): string | null {
  let start = 0;
  while (start < list.length) {
    const found = list.indexOf(';', start);
    const end = found < 0 ? list.length : found;
    while (list.charCodeAt(start) === 0x20) start++;
    if (list.startsWith(name, start) && list[start + name.length] === '=') return list.slice(start + name.length + 1, end).trimEnd();
    start = end + 1;
  }
  return null;
}
