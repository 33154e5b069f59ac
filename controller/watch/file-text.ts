// The text of a file, as kubectl reads it: UTF-8, or UTF-16 where a byte order mark says so; several objects of JSON in a row.

/** The text, without byte order marks: one may stand wherever files were joined. Lines stay where they are. */
export function decodeText(bytes: Buffer): string {
  return decode(bytes).replace(/^\ufeff/gm, '');
}

function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le');
  return bytes.toString('utf8');
}

/** A part of a file that is read by itself. */
export interface FilePart {
  readonly text: string;
  /** Lines of the file before it. */
  readonly linesBefore: number;
}

/** The parts of a file: all of it, but for objects of JSON that follow each other without anything between, which YAML does not know. */
export function partsOf(text: string): FilePart[] {
  const ends = /^\s*\{/.test(text) ? objectEnds(text) : [];
  if (ends.length < 2) return [{ text, linesBefore: 0 }];
  let linesBefore = 0;
  return ends.map((end, i) => {
    const part = { text: text.slice(ends[i - 1] ?? 0, end), linesBefore };
    linesBefore += part.text.split('\n').length - 1;
    return part;
  });
}

/** Where each object ends; empty when there is anything else beside them. */
function objectEnds(text: string): number[] {
  const ends: number[] = [];
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\[^])*"|[{}]|[^\s{}"]+/g)) {
    if (token === '{') depth++;
    else if (depth === 0) return [];
    else if (token === '}' && --depth === 0) ends.push(index + 1);
  }
  return depth === 0 ? ends : [];
}
