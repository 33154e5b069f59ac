// The tags of an answer, by which it can be purged: Surrogate-Key with spaces, Cache-Tag with commas between them.

/** Further ones are ignored. */
const MAX_TAGS = 128;
const MAX_TAG_LENGTH = 256;

const SEPARATORS: ReadonlyMap<string, RegExp> = new Map([
  ['surrogate-key', /\s+/],
  ['cache-tag', /\s*,\s*/],
]);

export function tagsOf(headers: readonly string[]): readonly string[] {
  const tags = new Set<string>();
  for (let i = 0; i < headers.length; i += 2) {
    const separator = SEPARATORS.get(headers[i] as string);
    if (separator === undefined) continue;
    for (const tag of (headers[i + 1] as string).trim().split(separator)) {
      if (tag !== '' && tag.length <= MAX_TAG_LENGTH && tags.size < MAX_TAGS) tags.add(tag);
    }
  }
  return [...tags];
}
