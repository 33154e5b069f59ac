// All 256 bytes in one place of a message: what came of each, held to what the grammar says.

/** A place where a byte can stand. */
export interface Place<Bytes> {
  /** A message with the byte there. */
  message(character: string, byte: number): Bytes;
  /** What is passed on, or null where the message must be refused. */
  expected(character: string, byte: number): string | null;
}

/** Sends the message of each byte, one after the other, and returns what did not come as it must. */
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
