// Header list > bytes.

/** The lines of a header block or trailer section, without the empty line that ends it. */
export function fieldLines(headers: readonly string[]): string {
  return withFieldLines('', headers);
}

/** The same after what goes before. Sums, not templates: those ask each part for its type, which costs a quarter more. */
export function withFieldLines(before: string, headers: readonly string[]): string {
  let lines = before;
  for (let i = 0; i < headers.length; i += 2) lines = lines + headers[i] + ': ' + headers[i + 1] + '\r\n';
  return lines;
}
