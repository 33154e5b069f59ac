// Content hashes, to detect whether a resource, a file or an answer has changed.
import { hash } from 'node:crypto';

/**
 * A short name for content: 64 bits of SHA-1 as 16 hexadecimal digits. It detects changes; it does not protect against deliberate
 * collisions.
 */
export function contentHash(content: string | Uint8Array): string {
  return hash('sha1', content, 'hex').slice(0, 16);
}
