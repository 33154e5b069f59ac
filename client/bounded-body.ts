// Reads the body of a response up to a limit: a server may send without end.

/** The body has more bytes than the limit. */
export class BodyTooLarge extends Error {}

/** The body as text. Throws a BodyTooLarge, and the error of a connection that breaks. */
export async function boundedText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
}
