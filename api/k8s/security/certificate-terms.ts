// Terms for client certificates besides the handshake: of the authenticator `certificate`, and of the group `clientCertificates`.
import { Type } from '#lib/typebox.ts';
import { dataKey } from '../policy-reference.ts';
import { choice, group, whole } from '../setting.ts';

function names(description: string, maxLength: number) {
  return Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength }), { minItems: 1, maxItems: 64, description }));
}

export const CERTIFICATE_TERMS = {
  crl: dataKey(
    'The entry with the revocation lists (RFC 5280) of the authorities, in PEM, one for each authority that issues client certificates. A revoked certificate is refused, and so is one whose authority has no list.',
  ),
  expiredCrl: choice('The handling of certificates after the time at which a list announces the next one. Accept: the list counts on.', [
    'Refuse',
    'Accept',
  ]),
  pins: Type.Optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$', '~must': 'a SHA-256 in base64' }), {
      minItems: 1,
      maxItems: 64,
      description: 'The keys that certificates may have: SHA-256 of the SubjectPublicKeyInfo in base64.',
    }),
  ),
  allow: group('Certificates must have one of these names; absent: any.', {
    subjects: names('Subjects, as CN=alice,O=Example.', 1_024),
    dnsNames: names('DNS names; *.example.com has all names with one label more.', 253),
    uris: names('URIs; one that ends with /* has everything below.', 2_048),
  }),
};

/** The group `clientCertificates` of a SecurityPolicy. */
export const clientCertificates = whole(
  'The terms for client certificates that the listener has verified (frontendValidation of the Gateway), beside those of authentication. Requests with other certificates get 401. A nearer policy replaces all of it.',
  CERTIFICATE_TERMS,
);
