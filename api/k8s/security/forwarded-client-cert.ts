// The setting `forwardedClientCert` of a SecurityPolicy.
import { choice } from '../setting.ts';

export const forwardedClientCert = choice(
  'What X-Forwarded-Client-Cert tells the backend about a verified client certificate. Details: its SHA-256 digest, subject, URIs and DNS names.',
  ['None', 'Details'],
);
