// The messages of api/proto/discovery.proto in the form of the loader. Kinds are plain strings here, because a peer of another version may
// have kinds that this version does not know.

export interface HelloMessage {
  readonly nodeId: string;
  readonly weirVersion: string;
  /** The additions to the IR that the proxy knows (api/wire/additions.ts). Absent in proxies of the first release. */
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
  /** A view of the received bytes: copy it to keep it. */
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

/** `message` is the name of the member that is set; undefined if none is set, or one that this version does not know. */
export type ProxyMessage =
  | { readonly message: 'hello'; readonly hello: HelloMessage }
  | { readonly message: 'inventory'; readonly inventory: InventoryMessage }
  | { readonly message: 'ack'; readonly ack: AckMessage }
  | { readonly message?: undefined };
