// The provider of logins, as the operator configures it.

export interface OidcSettings {
  /** The issuer of the provider (OpenID Connect Discovery 1.0), exactly as it names itself. */
  readonly issuer: string;
  readonly clientId: string;
  /** A file with the secret of the client; '' for a public client. */
  readonly clientSecretFile: string;
  /** A file with the CA certificates of the provider, PEM; '' for those of the system. */
  readonly caFile: string;
  readonly scopes: readonly string[];
  /** The claim of the ID token with the groups of the person. */
  readonly groupsClaim: string;
  /** The origin under which browsers reach the admin API. */
  readonly origin: string;
}
