// Header list > bytes.

/** The lines of a header block or trailer section, without the empty line that ends it. */
export function fieldLines(headers: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}
