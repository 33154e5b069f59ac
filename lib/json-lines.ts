// Values as lines of JSON, in parts that each have whole lines.

/** Parts of at most so many bytes, unless one line has more. */
export function* packLines(values: Iterable<unknown>, maxBytes: number): Iterable<Buffer> {
  let [text, bytes] = ['', 0];
  for (const value of values) {
    const line = `${JSON.stringify(value)}\n`;
    const size = Buffer.byteLength(line);
    if (bytes > 0 && bytes + size > maxBytes) {
      yield Buffer.from(text);
      [text, bytes] = ['', 0];
    }
    text += line;
    bytes += size;
  }
  if (bytes > 0) yield Buffer.from(text);
}

/** The values of a part. Throws if a line is not JSON. */
export function readLines(part: Buffer): readonly unknown[] {
  const lines = part.toString().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
}
