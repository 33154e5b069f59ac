// Fields of certificates in their encoded form: node:crypto returns text, but names and keys must be compared and hashed byte by byte.
import { context, oidOf, readDer, sequenceOf, TAG, type Der } from './der.ts';

export interface CertificateFields {
  readonly serialNumber: Der;
  readonly issuer: Der;
  readonly subject: Der;
  readonly publicKey: Der;
  /** The content of an extension by the bytes of its OID, hexadecimal. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

/**
 * Reads the TBSCertificate (RFC 5280 section 4.1): an optional version, then serial number, algorithm, issuer, validity, subject, key and
 * more, with the extensions last. Null for anything else.
 */
export function fieldsOfCertificate(raw: Buffer): CertificateFields | null {
  const fields = sequenceOf(sequenceOf(readDer(raw))?.[0]);
  if (fields === null) return null;
  const [serialNumber, , issuer, , subject, publicKey, ...others] = fields[0]?.tag === TAG.integer ? fields : fields.slice(1);
  if (serialNumber?.tag !== TAG.integer || !issuer || !subject || !publicKey) return null;
  return { serialNumber, issuer, subject, publicKey, extensions: extensionsOf(others.find(({ tag }) => tag === context(3))) };
}

function extensionsOf(wrapped: Der | undefined): ReadonlyMap<string, Buffer> {
  const list = wrapped === undefined ? [] : (sequenceOf(readDer(wrapped.value)) ?? []);
  return new Map(
    list.map((extension) => {
      const parts = sequenceOf(extension) ?? [];
      return [oidOf(parts[0]), parts.at(-1)?.value ?? Buffer.alloc(0)];
    }),
  );
}
