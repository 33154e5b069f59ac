// The settings of the provider of logins, in the flags of `weir admin` and `weir up`.
import { namesLoopback } from '#lib/admin-server.ts';
import { Mistake, type Flags, type FlagValues } from '#lib/flags.ts';
import type { OidcSettings } from './oidc/settings.ts';

export const OIDC_FLAGS: Flags = {
  'admin-oidc-issuer': {
    default: '',
    value: 'URL',
    text: 'issuer of the provider at which people log in (OpenID Connect), exactly as it names itself; needs --admin-api-url',
    see: 'admin-login.md#openid-connect',
  },
  'admin-oidc-client-id': { default: '', value: 'ID', text: 'id of the admin API as a client of the provider' },
  'admin-oidc-client-secret-file': {
    default: '',
    value: 'FILE',
    text: 'file with the secret of the client; without it the client is public',
  },
  'admin-oidc-ca': { default: '', value: 'FILE', text: 'CA of the certificate of the provider, PEM; by default those of the system' },
  'admin-oidc-scopes': { default: 'openid,profile', value: 'LIST', text: 'scopes to ask for, separated by commas; openid is one of them' },
  'admin-oidc-groups-claim': { default: 'groups', value: 'NAME', text: 'claim of the ID token with the groups of a person' },
};

const OTHERS = Object.keys(OIDC_FLAGS).filter((name) => name !== 'admin-oidc-issuer');

/** The settings; null without a provider. `origin`: that of --admin-api-url; '' without it. */
export function readOidc(values: FlagValues, origin: string): OidcSettings | null {
  const text = (name: string): string => values.text(`admin-oidc-${name}`);
  if (text('issuer') === '') {
    const alone = OTHERS.find((name) => values.isSet(name));
    if (alone !== undefined) throw new Mistake(`--${alone} has no effect without --admin-oidc-issuer`);
    return null;
  }
  if (origin === '') throw new Mistake('--admin-oidc-issuer needs --admin-api-url: the provider sends browsers back to it');
  if (text('client-id') === '') throw new Mistake('--admin-oidc-issuer needs --admin-oidc-client-id');
  const scopes = values.parts('admin-oidc-scopes');
  if (!scopes.includes('openid')) throw new Mistake('--admin-oidc-scopes: without the scope openid there is no ID token');
  return {
    issuer: issuer(text('issuer')),
    clientId: text('client-id'),
    clientSecretFile: text('client-secret-file'),
    caFile: text('ca'),
    scopes,
    groupsClaim: text('groups-claim'),
    origin,
  };
}

function issuer(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new Mistake('--admin-oidc-issuer: the issuer is not a URL of the form https://HOST/PATH');
  if (url.protocol === 'http:' && !namesLoopback(url.host))
    throw new Mistake('--admin-oidc-issuer: an issuer other than on loopback needs https');
  return text;
}
