// Endpoints that are registered by hand, as the store keeps them.

/** An address that can be an endpoint. */
export interface EndpointAddress {
  /** An IP address in its canonical form. */
  readonly address: string;
  readonly port: number;
}

/** What else is known of an endpoint. An absent value is the default of endpoints. */
export interface EndpointAttributes {
  readonly weight?: number;
  readonly priority?: number;
  readonly zone?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An endpoint to register. */
export interface NewRegistration extends EndpointAddress {
  readonly attributes: EndpointAttributes;
  /** How long the endpoint stays without being registered again, milliseconds; null: until it is removed. */
  readonly ttl: number | null;
}

/** A registered endpoint. Times are milliseconds since the epoch by the clock of the store. */
export interface Registration extends NewRegistration {
  /** `<namespace>/<name>` of the Backend. */
  readonly backend: string;
  /** When the registration ends; null: never. */
  readonly expires: number | null;
  /** When the address was registered first, and last. */
  readonly added: number;
  readonly renewed: number;
  /** The name that the last caller gave itself. */
  readonly origin: string;
}

/** Bounds of what can be registered. */
export interface RegistrationLimits {
  readonly perBackend: number;
  readonly total: number;
}

export const DEFAULT_REGISTRATION_LIMITS: RegistrationLimits = { perBackend: 1_000, total: 20_000 };

/** The identity of an endpoint within its Backend. */
export function addressKey({ address, port }: EndpointAddress): string {
  return `${address} ${port}`;
}
