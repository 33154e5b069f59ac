/** The value of a header that must occur once at most; null if it is absent or ambiguous. */
export function single(headers: readonly string[], name: string): string | null {
  let value: string | null = null;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    if (value !== null) return null;
    value = headers[i + 1] as string;
  }
  return value;
}
