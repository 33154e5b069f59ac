// Media types of bodies, and the ranges by which a document names them: `application/json`, `application/*`, `*/*`.

/** `application/json; charset=utf-8` is `application/json`. */
export function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase();
}

/** The nearest of some ranges for a type; null: none has it. */
export function rangeFor<T>(ranges: readonly (readonly [string, T])[], type: string): T | null {
  const main = type.split('/', 1)[0] as string;
  for (const wanted of [type, `${main}/*`, '*/*']) {
    const found = ranges.find(([range]) => range === wanted);
    if (found !== undefined) return found[1];
  }
  return null;
}

/** https://mimesniff.spec.whatwg.org/#json-mime-type */
export function isJsonType(type: string): boolean {
  return type === 'application/json' || type === 'text/json' || /^[^/]+\/.+\+json$/.test(type);
}

export const FORM = 'application/x-www-form-urlencoded';
