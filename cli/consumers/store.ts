// Where Consumers are kept: in a cluster, or in a folder of `weir up`.
import type { Consumer } from '#api/k8s/k8s.ts';
import type { ConsumerChange, KeySecret } from './edit.ts';

/** A store of the Consumers of one namespace. Every method throws a UsageError that a user can act on. */
export interface ConsumerStore {
  readonly namespace: string;
  list(): Promise<readonly Consumer[]>;
  /** Undefined if there is none. */
  get(name: string): Promise<Consumer | undefined>;
  create(consumer: Consumer, secret: KeySecret): Promise<void>;
  change(consumer: Consumer, change: ConsumerChange): Promise<void>;
  close(): Promise<void>;
}
