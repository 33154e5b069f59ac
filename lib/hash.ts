// Content hashes: how Weir tells whether a resource, a file or an answer is the one it already has.
import { hash } from 'node:crypto';

/**
 * A short name for content: 64 bits of SHA-1 as 16 hexadecimal digits.
 * It finds changes; it is no defence against someone who constructs collisions.
 */
export function contentHash(content: string | Uint8Array): string {
  return hash('sha1', content, 'hex').slice(0, 16);
}
