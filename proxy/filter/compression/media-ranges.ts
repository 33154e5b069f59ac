// A set of media types and ranges of them (RFC 9110 section 8.3.1): `text/html`, `text/*`, `application/*+json`.

export class MediaRanges {
  readonly #types = new Set<string>();
  /** Beginning and end of ranges. */
  readonly #ranges: readonly (readonly [string, string])[];

  constructor(ranges: readonly string[]) {
    const lower = ranges.map((range) => range.toLowerCase());
    for (const range of lower) if (!range.includes('*')) this.#types.add(range);
    this.#ranges = lower.filter((range) => range.includes('*')).map((range) => range.split('*') as [string, string]);
  }

  /** Whether a Content-Type belongs to it; its parameters do not matter. */
  has(contentType: string): boolean {
    const end = contentType.indexOf(';');
    const type = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
    if (this.#types.has(type)) return true;
    return this.#ranges.some(([first, last]) => type.length > first.length + last.length && type.startsWith(first) && type.endsWith(last));
  }
}
