// The messages of api/proto/discovery.proto as the loader makes them at run time. Kinds are plain strings here: a peer of another
// version may know kinds that this one does not.

export interface HelloMessage {
  readonly nodeId: string;
  readonly weirVersion: string;
  /** What of the IR it knows beyond the first release (api/wire/additions.ts). Absent in proxies of that one. */
  readonly capabilities?: readonly string[];
}

export interface HeldMessage {
  readonly kind: string;
  readonly key: string;
  readonly version: string;
}

export interface InventoryMessage {
  readonly held: readonly HeldMessage[];
  readonly last: boolean;
}

export interface ResourceMessage {
  readonly kind: string;
  readonly key: string;
  readonly version: string;
  /** A view of what was received: who keeps it copies it. */
  readonly body: Buffer;
}

export interface NameMessage {
  readonly kind: string;
  readonly key: string;
}

export interface PushMessage {
  readonly nonce: number;
  readonly changed: readonly ResourceMessage[];
  readonly removed: readonly NameMessage[];
  readonly complete: boolean;
}

export interface ErrorMessage {
  readonly kind: string;
  readonly key: string;
  readonly version: string;
  readonly field: string;
  readonly reason: string;
}

export interface AckMessage {
  readonly nonce: number;
  readonly errors: readonly ErrorMessage[];
  readonly recovered: readonly HeldMessage[];
}

/** `message` names the member that is set; undefined when the peer sent none, or one this version does not know. */
export type ProxyMessage =
  | { readonly message: 'hello'; readonly hello: HelloMessage }
  | { readonly message: 'inventory'; readonly inventory: InventoryMessage }
  | { readonly message: 'ack'; readonly ack: AckMessage }
  | { readonly message?: undefined };
