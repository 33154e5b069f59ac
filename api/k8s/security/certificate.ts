// The authenticator `certificate`.
import { choice, flag, group } from '../setting.ts';
import { CERTIFICATE_TERMS } from './certificate-terms.ts';

export const certificate = group(
  'A client certificate that the listener has verified (frontendValidation of the Gateway), of a Consumer in the namespace of the policy or of any caller.',
  {
    identity: choice('The name in the certificate that is principal.id of a caller that is no Consumer; of several, the first.', [
      'Subject',
      'DNSName',
      'URI',
      'Fingerprint',
    ]),
    consumersOnly: flag('Certificates of callers that are no Consumers are refused.'),
    ...CERTIFICATE_TERMS,
  },
);
