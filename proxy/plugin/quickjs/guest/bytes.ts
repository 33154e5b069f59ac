// Bytes and texts of bodies.
import { decode, encode } from './host.ts';

// The two of the web that plugins need for bodies; QuickJS has none.
Object.assign(globalThis, {
  TextEncoder: class {
    encode(text = ''): Uint8Array {
      return encodeText(String(text));
    }
  },
  TextDecoder: class {
    decode(bytes: Uint8Array = new Uint8Array(0)): string {
      return decodeText(bytes);
    }
  },
});

/** The bytes of a text or of bytes; null for other values. */
export function bytesOf(value: unknown): Uint8Array | null {
  if (typeof value === 'string') return encodeText(value);
  return value instanceof Uint8Array ? value : null;
}

/** A buffer with these bytes only. */
export function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return (byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}

function encodeText(text: string): Uint8Array {
  return new Uint8Array(encode(text));
}

/** Invalid bytes become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return decode(bufferOf(bytes));
}
