// The answers of host functions (proxy_status_t of the ABI).

export const STATUS = {
  ok: 0,
  notFound: 1,
  badArgument: 2,
  serializationFailure: 3,
  parseFailure: 4,
  invalidMemoryAccess: 6,
  empty: 7,
  casMismatch: 8,
  internalFailure: 10,
  unimplemented: 12,
} as const;

export type Status = (typeof STATUS)[keyof typeof STATUS];

/** Functions of the host by name. WebAssembly gives each the arguments of its type. */
export type HostFunctions = Readonly<Record<string, (...values: never[]) => Status>>;

/** Ends a host function with a status. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(`status ${status}`);
    this.status = status;
  }
}
