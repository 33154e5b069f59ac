// The authenticator `basic`.
import { secretKey } from '../policy-reference.ts';
import { flag, group, text } from '../setting.ts';

export const basic = group(
  'A user name and a password (RFC 7617), of a list in a Secret or of a Consumer in the namespace of the policy.',
  {
    users: secretKey('The entry with the users, one on a line, as htpasswd writes them. Hashes are bcrypt, argon2 or {SHA}.'),
    realm: text('The name of the protected area, which browsers show; weir, when absent.', { maxLength: 128, form: '[ -~]*' }),
    forward: flag('The backend gets the credentials too. Otherwise they are removed.'),
  },
);
