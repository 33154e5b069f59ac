import { describe, expect, test } from '@jest/globals';
import { readCredentials } from './credentials.ts';

// A key of a user and the seed of an account, made with the library nkeys of NATS. The signature is that of `nonce`.
const seed = 'SUANNXPHJPO7NXXQDOVBS7Y2ZK7KFM5BUB3KMPRUIO7Y7AIAONDAEE4C54';
const publicKey = 'UDGZY7JEXY3ON3H4W7VPAHQAPK5ARZJBXKWVCSLWYKM6DLMYREWQDCWB';
const signature = '4KfWyfs01dxZhln7s30-B73Vy8x1MLDGB7Zo_LCjd9P1WL8llGlnmjEJ669NCkJ-gGfw3A9HKAD_tyKBTW78Ag';
const accountSeed = 'SAAMRAMKAB25TCUYWTHUYBO73QCPGDIGSBTMMJCQOE773NVT4QQTHA47NY';

const creds = `-----BEGIN NATS USER JWT-----\nab.cd-e_.f\n------END NATS USER JWT------\n\nIMPORTANT\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;

function login(entries: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const found = readCredentials(entries);
  if (!found.ok) throw new Error(found.error);
  return found.value('nonce');
}

describe('credentials of NATS', () => {
  test('are a user and a password', () => {
    expect(login({ username: 'weir', password: 'secret' })).toEqual({ user: 'weir', pass: 'secret' });
  });

  test('are a token, without the line end of a file', () => {
    expect(login({ token: 'secret\n' })).toEqual({ auth_token: 'secret' });
  });

  test('are the seed of a user, which signs the nonce of the server', () => {
    expect(login({ nkey: `${seed}\n` })).toEqual({ nkey: publicKey, sig: signature });
  });

  test('are a creds file', () => {
    expect(login({ creds })).toEqual({ jwt: 'ab.cd-e_.f', sig: signature });
  });

  test.each([
    ['no known entry', {}, 'has none of these entries: creds; nkey; token; username and password'],
    ['a user without a password', { username: 'weir' }, 'has none of these entries: creds; nkey; token; username and password'],
    ['text that is no seed', { nkey: 'hello' }, 'has an entry nkey that is not a seed of an nkey'],
    ['a public key', { nkey: publicKey }, 'has an entry nkey that is not a seed of an nkey'],
    [
      'a seed with a typing error',
      { nkey: seed.replace(/.(?=.{10}$)/, (letter) => (letter === 'A' ? 'B' : 'A')) },
      'has an entry nkey that is a seed with a wrong checksum',
    ],
    ['the seed of an account', { nkey: accountSeed }, 'has an entry nkey that is not the seed of a user'],
    [
      'a creds file without a seed',
      { creds: creds.split('IMPORTANT')[0] ?? '' },
      'has an entry creds without the JWT and the seed of a user',
    ],
  ])('are refused: %s', (_, entries, reason) => {
    expect(readCredentials(entries as Readonly<Record<string, string>>)).toEqual({ ok: false, error: reason });
  });
});
