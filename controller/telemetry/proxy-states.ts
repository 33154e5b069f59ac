// What single proxies see of the health of endpoints and of breakers, as data that replicas can exchange: only what is not well.

/** The states that one proxy reports. */
export interface ProxyStates {
  readonly proxy: string;
  /** Why the proxy does not choose an endpoint, by its name ADDRESS:PORT. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  /** The states of breakers that are not closed, by backend. */
  readonly breakers: Readonly<Record<string, string>>;
}

/** The endpoints and breakers that a controller passes on for one proxy: the answer must fit into a message. */
export const MAX_STATES_PER_PROXY = 2_000;
/** The same for all its proxies. */
export const MAX_STATES = 100_000;
