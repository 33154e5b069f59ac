// All 256 byte values in one position of a message: compares each outcome with the grammar.

/** A position for a byte. */
export interface Place<Bytes> {
  /** A message with the byte there. */
  message(character: string, byte: number): Bytes;
  /** The expected message on the other side, or null if it must be refused. */
  expected(character: string, byte: number): string | null;
}

/** Sends the message for each byte value and returns the unexpected outcomes. */
export async function differences<Bytes>(place: Place<Bytes>, send: (bytes: Bytes) => Promise<string | null>): Promise<readonly string[]> {
  const found: string[] = [];
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(byte);
    const expected = place.expected(character, byte);
    const actual = await send(place.message(character, byte));
    if (actual !== expected) found.push(`0x${byte.toString(16).padStart(2, '0')}: ${told(expected)}, and came ${told(actual)}`);
  }
  return found;
}

function told(outcome: string | null): string {
  return outcome === null ? 'refused' : JSON.stringify(outcome);
}
