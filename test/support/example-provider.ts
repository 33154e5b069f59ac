// A provider of logins for the examples of operations: a real one, which starts at the first use, and has the token of the example at hand.
import { createLog } from '#lib/log.ts';
import { nowSeconds } from '#lib/openid/values.ts';
import type { Identity } from '../../admin/identity/identity.ts';
import { findLogin } from '../../admin/oidc/login-state.ts';
import { OidcLogin } from '../../admin/oidc/oidc-login.ts';
import { EXAMPLE_LOGIN } from '../../admin/oidc/operations.ts';
import { TestProvider } from '../oidc/provider.ts';

const { secret, state, seconds } = EXAMPLE_LOGIN;

export class ExampleProvider {
  #provider: TestProvider | null = null;

  /** The login at this provider, in the second of the example. */
  loginFor({ externalLogins }: Identity): OidcLogin {
    const issuer = (): string => this.#provider?.issuer ?? '';
    const settings = {
      get issuer() {
        return issuer();
      },
      ...{ clientId: 'shop', clientSecretFile: '', caFile: '', scopes: ['openid'], groupsClaim: 'groups', origin: 'http://127.0.0.1' },
    };
    return new OidcLogin({ settings, logins: externalLogins, log: createLog('silent'), now: () => seconds });
  }

  async prepare(): Promise<void> {
    const provider = (this.#provider ??= await TestProvider.start(['http://127.0.0.1/api/v1/login/oidc/callback'], ['http://127.0.0.1/']));
    // The example cannot name the issuer, whose port is another each time.
    const metadata = { ...(await provider.metadata()), authorization_response_iss_parameter_supported: false };
    provider.metadataFault = { status: 200, body: JSON.stringify(metadata) };
    const now = nowSeconds();
    const nonce = findLogin(secret, state, seconds)?.nonce;
    const token = provider.sign({ iss: provider.issuer, aud: 'shop', sub: 'alice', nonce, iat: now, exp: now + 60 });
    provider.tokenFault = { status: 200, body: JSON.stringify({ access_token: 'a', token_type: 'Bearer', id_token: token }) };
  }

  async stop(): Promise<void> {
    await this.#provider?.stop();
  }
}
