// The credentials of a client of an authorisation server.

/** A client; the secret is '' for a public one. */
export interface Client {
  readonly id: string;
  readonly secret: string;
}

/** The value of Authorization (RFC 6749 section 2.3.1): both parts are encoded as in a form, so that a colon in the id ends nothing. */
export function basicOf({ id, secret }: Client): string {
  const encoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}`;
}
