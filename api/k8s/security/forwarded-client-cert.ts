// The setting `forwardedClientCert` of a SecurityPolicy.
import { choice } from '../setting.ts';

export const forwardedClientCert = choice(
  'The content of X-Forwarded-Client-Cert for the backend about a verified client certificate. Details: its SHA-256 digest, subject, URIs and DNS names.',
  ['None', 'Details'],
);
