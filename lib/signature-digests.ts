// Algorithms of signatures in certificates, revocation lists and OCSP answers (RFC 5754, RFC 5758, RFC 8410).

/** Digests by the OID of the algorithm, hexadecimal. Null: the algorithm includes its own. SHA-1 is not accepted. */
export const SIGNATURE_DIGESTS: ReadonlyMap<string, string | null> = new Map([
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
  ['2b6570', null],
  ['2b6571', null],
]);
