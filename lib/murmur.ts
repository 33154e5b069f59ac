// MurmurHash3, the 32-bit variant for x86 (public domain, Austin Appleby): fast and evenly spread, the same on every machine. It is no
// protection against chosen keys: a sender of keys can find some with equal hashes.

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

function scramble(block: number): number {
  const mixed = Math.imul(block, C1);
  return Math.imul((mixed << 15) | (mixed >>> 17), C2);
}

/** Spreads every bit of a number over all 32 bits. The result is unsigned. */
export function spread(number: number): number {
  let mixed = number ^ (number >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The hash of a text in UTF-16 (little endian), unsigned. `seed`: for example the hash of another text, to combine both. */
export function murmur(text: string, seed: number): number {
  const length = text.length;
  let hash = seed | 0;
  let i = 0;
  for (; i + 1 < length; i += 2) {
    hash ^= scramble(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  if (i < length) hash ^= scramble(text.charCodeAt(i));
  return spread(hash ^ (length * 2));
}
