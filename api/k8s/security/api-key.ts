// The authenticator `apiKey`.
import { flag, group } from '../setting.ts';
import { credentialSources } from './credential-source.ts';

export const apiKey = group('An API key of a Consumer in the namespace of the policy.', {
  from: credentialSources('Where the key is, in the order of the list. The header x-api-key, when absent.'),
  forward: flag('The backend gets the key too. Otherwise it is removed.'),
});
